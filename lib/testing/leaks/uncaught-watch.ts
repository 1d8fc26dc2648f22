const events = ['unhandledRejection', 'uncaughtException'];
const emitter: NodeJS.EventEmitter = process;

/** Has what nobody catches, or handles, fail the scenario in which it comes, and no one else. */
export class UncaughtWatch {
  readonly #undo: (() => void)[] = [];

  install(fail: (error: unknown) => void): void {
    for (const event of events) {
      const others = emitter.rawListeners(event) as ((...told: unknown[]) => void)[];
      emitter.removeAllListeners(event);
      emitter.on(event, fail);
      this.#undo.push(() => {
        emitter.off(event, fail);
        for (const other of others) emitter.on(event, other);
      });
    }
  }

  uninstall(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}
