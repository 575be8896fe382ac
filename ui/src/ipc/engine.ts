// What the page may ask, whoever answers: the window's commands, or a script in tests and in a browser.
import type {
  Event,
  LogPage,
  Overview,
  PageAsk,
  Problem,
  QuarantineAsk,
  RunAsk,
  RunDetail,
  RunRow,
  RunTicket,
  TableDetail,
} from './bindings';

export interface Engine {
  overview(): Promise<Overview>;
  runs(pipeline: string | null, limit: number): Promise<RunRow[]>;
  run(run: string): Promise<RunDetail>;
  log(run: string, from: number, limit: number, level: string | null): Promise<LogPage>;
  table(table: string): Promise<TableDetail>;
  /** Arrow stream bytes. */
  page(ask: PageAsk): Promise<ArrayBuffer>;
  /** Arrow stream bytes. */
  quarantine(ask: QuarantineAsk): Promise<ArrayBuffer>;
  startRun(ask: RunAsk): Promise<RunTicket>;
  cancelRun(requestId: string, run: string): Promise<void>;
  watch(heard: (events: Event[]) => void): Promise<void>;
  reconnect(): Promise<void>;
}

/** Thrown by every ask that fails; carries the problem as a person reads it. */
export class Refusal extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.name = 'Refusal';
    this.problem = problem;
  }
}

/** The problem in whatever was thrown: a refusal's own, or one made of the shell's words. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Refusal) return thrown.problem;
  if (isProblem(thrown)) return thrown;
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  return { kind: 'failed', message: 'The window could not do this.', causes: [words], advice: null };
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'message' in value && 'kind' in value && 'causes' in value;
}
