const event = 'unhandledRejection';

/** Has rejections that nobody handles fail the scenario in which they come, and no one else. */
export class RejectionWatch {
  #others: NodeJS.UnhandledRejectionListener[] = [];
  #own: NodeJS.UnhandledRejectionListener | undefined;

  install(fail: (error: unknown) => void): void {
    this.#others = process.listeners(event);
    process.removeAllListeners(event);
    this.#own = fail;
    process.on(event, fail);
  }

  uninstall(): void {
    if (!this.#own) return;
    process.off(event, this.#own);
    for (const other of this.#others) process.on(event, other);
  }
}
