import type { ActorStatus } from '../../lib/index.js';

/** What a node holds, as its tree shows it. */
export class Holdings {
  readonly #tree: ActorStatus;

  constructor(tree: ActorStatus) {
    this.#tree = tree;
  }

  /** Mailboxes that something waits in, in words. */
  get waiting(): readonly string[] {
    return waitingBelow(this.#tree);
  }

  /** How many requests were remembered when they were last looked through. */
  get remembered(): number {
    const memory = this.#part('listener').find(({ path }) => path === this.#memory);
    return Number.parseInt(memory?.note ?? '0', 10);
  }

  /** Topics that it watches, links that it has, and wires that it serves, by their paths. */
  get open(): readonly string[] {
    const parts = ['topics', 'pool', 'listener'].flatMap((name) => this.#part(name));
    return parts.map(({ path }) => path).filter((path) => path !== this.#memory);
  }

  get #memory(): string {
    return `${this.#tree.path}/listener/repeats`;
  }

  #part(name: string): readonly ActorStatus[] {
    return this.#tree.children.find(({ path }) => path === `${this.#tree.path}/${name}`)?.children ?? [];
  }
}

const waitingBelow = ({ path, mailbox, children }: ActorStatus): readonly string[] => [
  ...(mailbox && mailbox.depth > 0 ? [`${path}: ${String(mailbox.depth)}`] : []),
  ...children.flatMap(waitingBelow),
];
