// Everything that must hold besides the tests: format, lints, licences.
import { needs, provide, toolchains } from './machine.mjs';
import { output, run, say } from './steps.mjs';
import { pagePackages } from './window.mjs';

toolchains();
await provide([...needs.engine, ...needs.window]);
say('Format');
run('cargo', ['fmt', '--all', '--check']);
say('Lints');
run('cargo', ['clippy', '--all-targets', '--', '-D', 'warnings']);
// The window's program holds its page, so the page is built before it is looked at.
pagePackages();
run('npm', ['--prefix', 'ui', 'run', 'build']);
run('cargo', ['clippy', '-p', 'assay-window', '-p', 'assay-desktop', '--all-targets', '--', '-D', 'warnings']);
say('Licences and sources of the dependencies');
if (output('cargo', ['deny', '--version']) === null) run('cargo', ['install', 'cargo-deny', '--version', '0.20.2', '--locked']);
run('cargo', ['deny', 'check', 'licenses', 'bans', 'sources']);
