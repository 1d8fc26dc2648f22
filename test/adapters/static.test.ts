import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom, Observable, Subject, Subscription, switchMap, take } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressIn, type RingEntry } from '../../lib/adapters/static/ring.js';
import { StaticMatchmaker } from '../../lib/adapters/static/static-matchmaker.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { Logger } from '../../lib/ports/logger.js';
import type { Matchmaker, Registration } from '../../lib/ports/matchmaker.js';
import { aRegistration, Heard, matchmakerContract, namesOf } from '../contracts/matchmaker.js';

class Notes extends Logger {
  readonly #lines$ = new Subject<string>();
  get lines$(): Observable<string> {
    return this.#lines$;
  }
  override debug(): void {}
  override info(): void {}
  override warn(message: string): void {
    this.#lines$.next(`warning: ${message}`);
  }
  override error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#lines$.next(`error: ${message}: ${String(fields?.error)}`);
  }
}

const clock = new SystemClock();
const newFolder = () => mkdtemp(join(tmpdir(), 'skein-static-'));
const asTold = (registration: Registration): Registration => ({
  ...registration,
  node: registration.server,
  incarnation: '',
  leaseMs: Infinity,
});

/** An operator with a text editor: writes the file once for all that changes within a turn, as a whole. */
class Operator {
  readonly #file: string;
  readonly #listed = new Set<RingEntry>();
  #written: Promise<void> = Promise.resolve();
  #isWriting = false;

  constructor(file: string) {
    this.#file = file;
  }

  list(node: Matchmaker, registration: Registration): Observable<'registered'> {
    const { exchange, topic, server, version, namespace, address, labels } = registration;
    const entry: RingEntry = { exchange, topic, server, version, namespace, address, labels };
    return new Observable((subscriber) => {
      this.#listed.add(entry);
      this.write();
      subscriber.add(() => {
        this.#listed.delete(entry);
        this.write();
      });
      const isListed = (set: readonly Registration[]) => set.some(({ server }) => server === registration.server);
      const ready$ = node.watch(registration).pipe(filter(isListed), take(1));
      return ready$.pipe(switchMap(() => node.register(registration))).subscribe({
        next: (told) => subscriber.next(told),
        // Taken off the file, and so no longer registered.
        error: () => undefined,
      });
    });
  }

  write(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#written = this.#written.then(async () => {
      this.#isWriting = false;
      await writeFile(`${this.#file}.new`, JSON.stringify({ servers: [...this.#listed] }));
      await rename(`${this.#file}.new`, this.#file);
    });
  }

  async rest(): Promise<void> {
    await this.#written;
  }
}

matchmakerContract(
  'a ring file',
  async () => {
    const folder = await newFolder();
    const file = join(folder, 'ring.json');
    const operator = new Operator(file);
    operator.write();
    await operator.rest();
    const node = () => new StaticMatchmaker({ file }, clock, new Notes());
    return {
      nodes: [node(), node(), node()],
      list: (by, registration) => operator.list(by, registration),
      asTold,
      close: async () => {
        await operator.rest();
        await rm(folder, { recursive: true });
      },
    };
  },
  'unknown',
);

describe('the static matchmaker', () => {
  let all: Subscription;
  let folder: string;
  let file: string;
  let notes: Notes;

  const start = async (text: string, name = 'ring.yaml'): Promise<StaticMatchmaker> => {
    file = join(folder, name);
    await writeFile(file, text);
    return new StaticMatchmaker({ file }, clock, notes);
  };
  const problemsOf = async (text: string, name?: string): Promise<string> => {
    const node = await start(text, name);
    const error = await firstValueFrom(node.watch(aRegistration())).then(() => undefined, String);
    return String(error).replaceAll(file, 'FILE');
  };
  const ring = (...servers: readonly string[]) =>
    `servers:\n${servers.map((server) => `  - { topic: compute, server: ${server}, address: "tcp://10.0.0.7:4000" }\n`).join('')}`;

  beforeEach(async () => {
    all = new Subscription();
    folder = await newFolder();
    notes = new Notes();
  });

  afterEach(async () => {
    all.unsubscribe();
    await rm(folder, { recursive: true });
  });

  it('reads YAML, and leaves unknown what the entry does not say', async () => {
    const node = await start(ring('host-7@lvm'));
    expect(await firstValueFrom(node.watch(aRegistration()))).toEqual([
      asTold(aRegistration({ server: 'host-7@lvm', address: 'tcp://10.0.0.7:4000', version: '' })),
    ]);
  });

  it('lists every problem of a ring file at once, with its place', async () => {
    const text = JSON.stringify({
      servers: [
        { topic: '', server: 'a', address: '' },
        { server: 7, address: 'tcp://10.0.0.7:1', version: 1.2, label: {} },
        { topic: 't', server: 'x'.repeat(256), address: 'tcp://10.0.0.7:1', version: '1.2.x', labels: { zone: 7 } },
        'host-7',
      ],
      server: [],
    });
    expect((await problemsOf(text, 'ring.json')).split('; FILE: ')).toEqual([
      'SkeinError: [invalid-argument] FILE: "server" is not known; the only key is "servers"',
      'servers[0]: the topic must not be empty',
      'servers[0].address must not be empty',
      'servers[1].label is not known; known are topic, server, address, exchange, version, namespace, labels',
      'servers[1].topic is missing',
      'servers[1].server must be a string; write it in quotes',
      'servers[1].version must be a string; write it in quotes',
      'servers[2]: the server has 256 bytes, and at most 255 are allowed',
      'servers[2]: "1.2.x" is not a version: write major, major.minor or major.minor.patch',
      'servers[2].labels.zone must be a string; write it in quotes',
      'servers[3] must have topic, server and address',
    ]);
  });

  it('refuses one server that is listed twice', async () => {
    expect(await problemsOf(ring('a', 'b', 'a'))).toContain('servers[2] has the exchange, topic and server of servers[0]');
  });

  it('refuses text that is neither YAML nor JSON, and files of other kinds', async () => {
    expect(await problemsOf('servers: [')).toMatch(/^SkeinError: \[invalid-argument\] FILE: .*line 1/s);
    expect(await problemsOf('{"servers"', 'ring.json')).toMatch(/^SkeinError: \[invalid-argument\] FILE: .*JSON/);
    expect(await problemsOf('', 'ring.yml')).toContain('must have a list named "servers"');
    expect(await problemsOf(ring(), 'ring.conf')).toContain('a ring file ends in .yaml, .yml or .json');
  });

  it('errors where there is no such file', async () => {
    const node = new StaticMatchmaker({ file: join(folder, 'none.yaml') }, clock, notes);
    await expect(firstValueFrom(node.watch(aRegistration()))).rejects.toThrow(
      /^\[invalid-argument\] the ring file .* cannot be read: ENOENT/,
    );
  });

  it('keeps the former ring while the file is broken or gone, and says so', async () => {
    const node = await start(ring('a'));
    const heard = new Heard(node.watch(aRegistration()), all);
    const lines = new Heard(notes.lines$, all);
    await heard.until((set) => namesOf(set).join() === 'a');
    await writeFile(file, 'servers: [');
    expect(await lines.until()).toMatch(
      /^error: .*ring.yaml cannot be used, and what it listed before stays: SkeinError: \[invalid-argument\]/,
    );
    await rm(file);
    await lines.until((line) => line.includes('ENOENT'));
    await writeFile(file, ring('b'));
    await heard.until((set) => namesOf(set).join() === 'b');
    expect(heard.values.map(namesOf)).toEqual([['a'], ['b']]);
  });

  it('sees a change behind a link', async () => {
    for (const version of ['1', '2']) {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, 'ring.yaml'), ring(`v${version}`));
    }
    await symlink('1', join(folder, 'current'));
    await symlink('current/ring.yaml', join(folder, 'ring.yaml'));
    const node = new StaticMatchmaker({ file: join(folder, 'ring.yaml') }, clock, notes);
    const heard = new Heard(node.watch(aRegistration()), all);
    await heard.until((set) => namesOf(set).join() === 'v1');
    await symlink('2', join(folder, 'next'));
    await rename(join(folder, 'next'), join(folder, 'current'));
    await heard.until((set) => namesOf(set).join() === 'v2');
  });

  it('refuses to register a server that the file does not list, and says what to add', async () => {
    const node = await start(ring('a'));
    await expect(firstValueFrom(node.register(aRegistration()))).rejects.toThrow(
      `[invalid-argument] ${file} lists no such server; add: ` +
        '{"exchange":"default","topic":"compute","server":"host-1","address":"tcp://127.0.0.1:4001"}',
    );
  });

  it('registers a server as soon as it stands in the file, before others are told', async () => {
    const node = await start(ring('a'));
    all.add(node.watch(aRegistration()).subscribe());
    await firstValueFrom(node.watch(aRegistration()));
    await writeFile(file, ring('a', 'host-1'));
    expect(await firstValueFrom(node.register(aRegistration()))).toBe('registered');
  });

  it('fails a registration whose server is taken off the file', async () => {
    const node = await start(ring('host-1'));
    const heard = new Heard(node.register(aRegistration()), all);
    await heard.until();
    await writeFile(file, ring('host-2'));
    await expect(heard.end()).rejects.toThrow('lists no such server');
    expect(heard.values).toEqual(['registered']);
  });

  it('warns a server that listens elsewhere than the file says', async () => {
    const node = await start(ring('host-1'));
    const lines = new Heard(notes.lines$, all);
    all.add(node.register(aRegistration()).subscribe());
    expect(await lines.until()).toBe(
      `warning: ${file} lists host-1 at tcp://10.0.0.7:4000, but it listens at tcp://127.0.0.1:4001`,
    );
  });

  it('finds the address of a server to bind', async () => {
    await start(`${ring('a', 'b')}  - { topic: other, server: b, address: "tcp://10.0.0.8:1" }\n`);
    expect(addressIn(file, 'a')).toBe('tcp://10.0.0.7:4000');
    expect(addressIn(file, 'c')).toBeUndefined();
    expect(() => addressIn(file, 'b')).toThrow(
      `[invalid-argument] ${file} lists "b" at tcp://10.0.0.7:4000 and tcp://10.0.0.8:1: give it one address, or say with bind`,
    );
    expect(() => addressIn(`${file}x`, 'a')).toThrow('cannot be read');
  });
});
