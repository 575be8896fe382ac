// The page: locks prototypes, takes its engine, and mounts the shell.
import './lock';
import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { windowEngine } from './ipc/tauri';
import { useEngine } from './state/engine';
import { look } from './state/theme.svelte';

const inBrowser = import.meta.env.DEV && !('__TAURI_INTERNALS__' in window);
// A production build drops this branch, and the script with it.
useEngine(inBrowser ? (await import('../dev/engine')).scripted() : windowEngine);
look.load();

const target = document.getElementById('app');
if (target) mount(App, { target });
