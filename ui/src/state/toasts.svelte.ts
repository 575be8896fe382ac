// Short messages: at most three; what went well leaves by itself, everything else stays until read.
import type { Problem, Status } from '../ipc';

export interface Toast {
  id: number;
  status: Status;
  title: string;
  text: string;
  open?: () => void;
}

const MOST = 3;
const LEAVES_AFTER = 6000;

class Toasts {
  list = $state.raw<Toast[]>([]);
  #next = 1;

  say(toast: Omit<Toast, 'id'>): void {
    const id = this.#next++;
    this.list = [...this.list, { ...toast, id }].slice(-MOST);
    if (toast.status === 'succeeded') setTimeout(() => this.drop(id), LEAVES_AFTER);
  }

  tell(problem: Problem): void {
    const text = [...problem.causes, problem.advice ?? ''].filter(Boolean).join(' ');
    this.say({ status: 'failed', title: problem.message, text });
  }

  drop(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
