import { Subject } from 'rxjs';

/** A rule that was broken, and how. */
class Breach extends Error {
  /** The rule stands alone in the first line, by which one failure is known for the same as another. */
  constructor(rule: string, how: string) {
    super(`${rule}\n${how}`);
    this.name = 'Breach';
  }
}

/** All of a run that no single process of it knows. */
export class Ledger {
  readonly #breach$ = new Subject<never>();
  /** Emits nothing, and errors with the first breach. */
  readonly breach$ = this.#breach$.asObservable();
  /** The requests that were started anywhere. */
  readonly started = new Set<string>();
  /** Of all runs of all nodes. */
  readonly incarnations = new Set<string>();
  readonly #numbers = new Map<string, number>();
  #tokens = 0;

  breach(rule: string, how: string): void {
    this.#breach$.error(new Breach(rule, how));
  }

  /** A number that no other request has. */
  token(): number {
    this.#tokens += 1;
    return this.#tokens;
  }

  /** The next number of that lane. */
  number(lane: string): number {
    const number = (this.#numbers.get(lane) ?? 0) + 1;
    this.#numbers.set(lane, number);
    return number;
  }
}
