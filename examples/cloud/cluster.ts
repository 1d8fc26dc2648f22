import { Subject } from 'rxjs';
import { type Kind, Member } from './member.js';

const plan = { api: 1, scheduler: 2, compute: 3 } as const;

/** The processes of one cloud, which meet at one URL. */
export class Cluster implements AsyncDisposable {
  readonly #env: Readonly<Record<string, string>>;
  readonly #members: Member[] = [];
  readonly #event$ = new Subject<string>();
  readonly #failure$ = new Subject<never>();

  constructor(url: string, results: string) {
    this.#env = { SKEIN_URL: url, CLOUD_RESULTS: results };
  }

  /** What members say on stderr, and who ended unexpectedly. */
  readonly event$ = this.#event$.asObservable();

  /** Errors once no member of a kind is left. */
  readonly failure$ = this.#failure$.asObservable();

  get members(): readonly Member[] {
    return this.#members;
  }

  named(name: string): Member {
    const member = this.#members.find((one) => one.name === name);
    if (!member) throw new Error(`there is no ${name}`);
    return member;
  }

  /** Resolves when all of them serve. */
  async start(): Promise<void> {
    const kinds = Object.keys(plan) as Kind[];
    await Promise.all(kinds.flatMap((kind) => Array.from({ length: plan[kind] }, () => this.add(kind))));
  }

  /** Starts one more; resolves with it when it serves. */
  async add(kind: Kind): Promise<Member> {
    const number = this.#members.filter((member) => member.kind === kind).length + 1;
    const name = kind === 'api' ? kind : `${kind}-${String(number)}`;
    const member = new Member(kind, name, this.#env, (line) => this.#event$.next(`${name}: ${line}`));
    this.#members.push(member);
    void member.ended.then((how) => this.#left(member, how));
    await member.ready;
    return member;
  }

  /** They are to end with all that they have at work. */
  abandon(): void {
    for (const member of this.#members) member.abandon();
  }

  /** Who asks ends before who answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const kind of Object.keys(plan)) {
      await Promise.all(this.#members.filter((member) => member.kind === kind).map((member) => member.drain()));
    }
  }

  #left(member: Member, how: string): void {
    if (!member.isLeaving) this.#event$.next(how);
    const isLast = this.#members.every(({ kind, state }) => kind !== member.kind || state === 'ended' || state === 'killed');
    if (isLast && !member.isLeaving) this.#failure$.error(new Error(`no ${member.kind} is left`));
  }
}
