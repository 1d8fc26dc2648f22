import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeTarget, type TopicName } from '../../core/target.js';
import type { Lease } from '../../operators/keep-lease.js';
import type { Registration } from '../../ports/matchmaker.js';
import { hasEnded, machineMs, type Origin, ownOrigin } from './origin.js';

/** What stands in an entry's file, which is never changed. The end of its lease, by the machine's clock, is the file's time. */
interface Entry {
  readonly registration: Registration;
  readonly origin: Origin;
  /** When it was made, by the machine's clock. */
  readonly madeMs: number;
}

/** One subscription's wish to list a server. */
export interface Claim {
  readonly registration: Registration;
  /** Its file's name, `topic.server.holder`, and the beginning of it that all claims to the server share. */
  readonly name: string;
  readonly rivals: string;
}

/** The names of all entries, by the beginnings that are asked for. */
export type Names = ReadonlyMap<string, readonly string[]>;

export const claimFor = (registration: Registration): Claim => {
  const rivals = `${topicKey(registration)}.${hash(registration.server)}`;
  return { registration, rivals, name: `${rivals}.${randomUUID()}` };
};

/**
 * A folder of entries, one file each, which appear and vanish as a whole: so a process may die at any moment, and no locks are
 * needed. Each claim has a file of its own; of several for one server the newest counts.
 */
export class Entries {
  readonly #folder: string;
  readonly #drafts: string;
  readonly #here = ownOrigin();
  /** What was read, by file name. */
  #read = new Map<string, Entry | undefined>();
  #names: Map<string, string[]> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#drafts = join(folder, 'drafts');
    mkdirSync(this.#drafts, { recursive: true, mode: 0o700 });
  }

  /** What is in the folder; read once in a turn of the event loop, however many ask. */
  names(): Names {
    if (this.#names !== undefined) return this.#names;
    const names = new Map<string, string[]>();
    const read = new Map<string, Entry | undefined>();
    for (const name of readdirSync(this.#folder)) {
      if (add(names, name) && this.#read.has(name)) read.set(name, this.#read.get(name));
    }
    this.#read = read;
    this.#names = names;
    setImmediate(() => (this.#names = undefined));
    return names;
  }

  /** The topic's servers, always in the same order. Removes what is dead. */
  list(topic: TopicName, names = this.names()): readonly Registration[] {
    return this.#newest(names.get(topicKey(topic)));
  }

  /** The servers of all topics, always in the same order. Removes what is dead. */
  listAll(names = this.names()): readonly Registration[] {
    return topicsIn(names).flatMap((topic) => this.#newest(topic));
  }

  /** Removes all that is dead, also of topics that no one watches, and drafts that were never finished. */
  sweep(): void {
    for (const topic of topicsIn(this.names())) this.#living(topic);
    for (const name of readdirSync(this.#drafts)) {
      const draft = join(this.#drafts, name);
      const stat = statSync(draft, { throwIfNoEntry: false });
      if (stat !== undefined && Date.now() - stat.ctimeMs > draftMs) remove(draft);
    }
  }

  /** Makes or renews the claim's entry; `lost` where a newer incarnation lives. */
  hold(claim: Claim): Lease {
    if (this.#isLost(claim, this.names())) return 'lost';
    const { registration, name } = claim;
    const madeMs = machineMs();
    const endsAt = (madeMs + registration.leaseMs) / 1_000;
    const isThere = unlessMissing(() => {
      utimesSync(join(this.#folder, name), endsAt, endsAt);
      return true;
    });
    if (isThere) return 'renewed';
    const draft = join(this.#drafts, randomUUID());
    const entry: Entry = { registration, origin: this.#here, madeMs };
    writeFileSync(draft, JSON.stringify(entry), { mode: 0o600 });
    utimesSync(draft, endsAt, endsAt);
    renameSync(draft, join(this.#folder, name));
    if (this.#names !== undefined) add(this.#names, name);
    return 'made';
  }

  /** Whether the claim's entry was removed, or is worth nothing any more. */
  isDisturbed(claim: Claim, names = this.names()): boolean {
    return names.get(claim.rivals)?.includes(claim.name) !== true || this.#isLost(claim, names);
  }

  drop({ name }: Claim): void {
    remove(join(this.#folder, name));
  }

  /** Of a topic's entries, the newest one of each server that lives. */
  #newest(names: readonly string[] | undefined): Registration[] {
    const newest = new Map<string, Entry>();
    for (const entry of this.#living(names)) {
      const former = newest.get(entry.registration.server);
      if (former === undefined || isNewer(entry, former)) newest.set(entry.registration.server, entry);
    }
    return [...newest.values()].map(({ registration }) => registration).sort((a, b) => (a.server < b.server ? -1 : 1));
  }

  #isLost({ registration, name, rivals }: Claim, names: Names): boolean {
    const others = (names.get(rivals) ?? []).filter((other) => other !== name);
    return this.#living(others).some((other) => other.registration.incarnation > registration.incarnation);
  }

  #living(names: readonly string[] = []): Entry[] {
    const asked = new Map<string, boolean>();
    const hasEndedOnce = (origin: Origin): boolean => {
      const key = `${origin.pidNamespace} ${String(origin.pid)} ${origin.startedAt}`;
      const answer = asked.get(key) ?? hasEnded(origin, this.#here);
      asked.set(key, answer);
      return answer;
    };
    return names.flatMap((name) => {
      const file = join(this.#folder, name);
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat === undefined) return [];
      const entry = this.#entry(name);
      if (entry !== undefined && !isExpired(stat.mtimeMs, entry) && !hasEndedOnce(entry.origin)) return [entry];
      remove(file);
      return [];
    });
  }

  /** Undefined where the file is gone, or was broken by a crash of the machine. */
  #entry(name: string): Entry | undefined {
    if (this.#read.has(name)) return this.#read.get(name);
    let entry: Entry | undefined;
    try {
      entry = unlessMissing(() => completed(JSON.parse(readFileSync(join(this.#folder, name), 'utf8')) as Entry));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    this.#read.set(name, entry);
    return entry;
  }
}

/** What was written before entries named their nodes does not name one. */
const completed = (entry: Entry): Entry => ({ ...entry, registration: { ...blank, ...entry.registration } });

const blank = { node: '' };

const remove = (file: string): void => unlessMissing(() => unlinkSync(file));

const unlessMissing = <T>(use: () => T): T | undefined => {
  try {
    return use();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** Adds an entry's name under its beginnings; says whether it is one. */
const add = (names: Map<string, string[]>, name: string): boolean => {
  const [topic = '', server, holder] = name.split('.');
  if (server === undefined || holder === undefined) return false;
  for (const key of [topic, `${topic}.${server}`]) {
    const group = names.get(key);
    if (group === undefined) names.set(key, [name]);
    else group.push(name);
  }
  return true;
};

/** The names of each topic's entries. */
const topicsIn = (names: Names): (readonly string[] | undefined)[] =>
  [...names.keys()]
    .filter((beginning) => !beginning.includes('.'))
    .sort()
    .map((topic) => names.get(topic));

/** How long a draft may take, in ms; it takes less than one. */
const draftMs = 60_000;

const isNewer = (a: Entry, b: Entry): boolean =>
  a.registration.incarnation === b.registration.incarnation
    ? a.madeMs > b.madeMs
    : a.registration.incarnation > b.registration.incarnation;

/** An end that lies further ahead than the lease reaches, and file systems round, was set before the machine started anew. */
const isExpired = (endsMs: number, { registration }: Entry): boolean => {
  const leftMs = endsMs - machineMs();
  return leftMs <= 0 || leftMs > registration.leaseMs + 2_000;
};

const topicKey = ({ exchange, topic }: TopicName): string => hash(encodeTarget({ exchange, topic }));

/** Names may be longer than a file's may, and may differ in nothing but case. */
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
