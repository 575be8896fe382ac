// The time that ages and durations are measured by; moves once a second while the page is seen.

class Clock {
  now = $state(Date.now());

  start(): () => void {
    const timer = setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, 1000);
    return () => clearInterval(timer);
  }
}

export const clock = new Clock();
