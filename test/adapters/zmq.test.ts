import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, utimesSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { promisify } from 'node:util';
import {
  catchError,
  concat,
  filter,
  firstValueFrom,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  ReplaySubject,
  repeat,
  shareReplay,
  skip,
  take,
  tap,
  toArray,
} from 'rxjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { SystemIds } from '../../lib/adapters/system/system-ids.js';
import { loadZeromq } from '../../lib/adapters/zmq/load-zeromq.js';
import { tcpEndpoint } from '../../lib/adapters/wires/tcp-endpoint.js';
import { ZmqNetwork } from '../../lib/adapters/zmq/zmq-network.js';
import { isSkeinError } from '../../lib/core/errors.js';
import type { Listening, Wire } from '../../lib/ports/network.js';
import { describeWith } from '../needs.js';

const clock = new SystemClock();
const ports = { clock, ids: new SystemIds(clock), logger: new ConsoleLogger(), makePrivate };

const say = (frames: readonly Uint8Array[]): string[] => frames.map((bytes) => Buffer.from(bytes).toString());

/** Runs a script of plain JavaScript; answers with the process and what it says first. */
const peer = async (script: string, ...args: readonly string[]) => {
  const child = spawn(process.execPath, ['-e', script, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [said] = (await once(child, 'message')) as [string];
  return { child, said };
};

describeWith('zeromq', 'ZmqNetwork', () => {
  let ipcDirectory: string;
  let network: ZmqNetwork;
  beforeEach(async () => {
    ipcDirectory = mkdtempSync(join(tmpdir(), 'skein-test-'));
    network = await ZmqNetwork.create({ ipcDirectory }, ports);
  });
  afterEach(() => {
    network.close();
    rmSync(ipcDirectory, { recursive: true });
  });

  const wires = (listening$: Observable<Listening | Wire>) => {
    const shared = new ReplaySubject<Listening | Wire>(100);
    const subscription = listening$.subscribe(shared);
    return {
      address: firstValueFrom(shared.pipe(map((value) => ('listening' in value ? value.listening : '')))),
      wire$: shared.pipe(filter((value) => 'message$' in value)),
      subscription,
    };
  };
  const failure = (opened: Observable<unknown>): Promise<unknown> =>
    lastValueFrom(opened).then(
      () => undefined,
      (error: unknown) => error,
    );

  it.each(['tcp://127.0.0.1:*', 'ipc://*'])('completes wires on %s whose peer was killed', async (anywhere) => {
    const at = anywhere === 'ipc://*' ? `ipc://${ipcDirectory}/killed.sock` : anywhere;
    const listening = await peer(
      `const { Router } = require('zeromq'); const router = new Router(); router.bind(process.argv[1])
        .then(async () => { process.send(router.lastEndpoint); for (;;) await router.send(await router.receive()); });`,
      at,
    );
    const dialled = network.dial(listening.said).pipe(
      mergeMap((wire) => concat(wire.send([Buffer.from('x')]), wire.message$)),
      tap(() => listening.child.kill('SIGKILL')),
      toArray(),
    );
    expect((await lastValueFrom(dialled)).map(say)).toEqual([['x']]);
    expect(isSkeinError(await failure(network.dial(listening.said)), 'undeliverable')).toBe(true);

    const { address, wire$ } = wires(network.listen(anywhere));
    const served = lastValueFrom(
      wire$.pipe(
        take(1),
        mergeMap((wire) => merge(wire.message$, wire.send([Buffer.from('y')]))),
        toArray(),
      ),
    );
    const dialling = await peer(
      `const { Dealer } = require('zeromq'); const dealer = new Dealer(); dealer.connect(process.argv[1]);
        dealer.send('x').then(() => dealer.receive()).then(() => process.send('heard'));`,
      await address,
    );
    dialling.child.kill('SIGKILL');
    expect((await served).map(say)).toEqual([['x']]);
  });

  it('delivers what a process sent last, and lets it end by itself once its network is closed', async () => {
    const { address, wire$ } = wires(network.listen('ipc://*'));
    const served = lastValueFrom(
      wire$.pipe(
        take(1),
        mergeMap((wire) => wire.message$),
        toArray(),
      ),
    );
    const script = `
      import { SystemClock } from './lib/adapters/system/system-clock.ts';
      import { SystemIds } from './lib/adapters/system/system-ids.ts';
      import { ZmqNetwork } from './lib/adapters/zmq/zmq-network.ts';
      const clock = new SystemClock();
      const network = await ZmqNetwork.create({}, { clock, ids: new SystemIds(clock), logger: console });
      network.dial(process.argv[1]).subscribe((wire) => {
        const next = (left) => left === 0 ? network.close() : wire.send([Buffer.alloc(100_000, left)]).subscribe({ complete: () => next(left - 1) });
        next(50);
      });`;
    await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, await address]);
    expect((await served).map(([bytes]) => bytes?.[0])).toEqual(Array.from({ length: 50 }, (_, i) => 50 - i));
  });

  it('has what it received collected as it goes', async () => {
    const { address, wire$ } = wires(network.listen('tcp://127.0.0.1:*'));
    const kinds: unknown[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as { readonly detail: { readonly kind: number } }[]) {
        kinds.push(entry.detail.kind);
      }
    });
    observer.observe({ entryTypes: ['gc'] });
    const message = Buffer.alloc(64 * 1024);
    const messages = 4_096;
    const served = firstValueFrom(
      wire$.pipe(
        take(1),
        mergeMap((wire) => wire.message$),
        skip(messages - 1),
      ),
    );
    const sending$ = network.dial(await address).pipe(mergeMap((wire) => wire.send([message]).pipe(repeat(messages))));
    const sending = sending$.subscribe();
    await served;
    sending.unsubscribe();
    // What was seen is told of in a turn of its own.
    await new Promise(setImmediate);
    observer.disconnect();
    // By itself V8 does so at most seven times, and marks the whole heap a dozen times.
    expect(kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length).toBeGreaterThan(16);
  });

  it('talks with a peer that speaks plain ZeroMQ, which sees only what it was sent', async () => {
    const { address, wire$ } = wires(network.listen('tcp://127.0.0.1:*'));
    const subscription = wire$.pipe(mergeMap((wire) => wire.message$.pipe(mergeMap((frames) => wire.send(frames))))).subscribe();
    const { Dealer } = await import('zeromq');
    const dealer = new Dealer();
    dealer.connect(await address);
    await dealer.send(['a', 'b']);
    expect(say(await dealer.receive())).toEqual(['a', 'b']);
    subscription.unsubscribe();
    expect(say(await dealer.receive())).toEqual(['', '']);
    dealer.close();
  });

  it('gives up on who does not speak ZeroMQ, and on who says nothing', async () => {
    const brief = await ZmqNetwork.create({ ipcDirectory, openMs: 100 }, ports);
    for (const greet of [(socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), () => undefined]) {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        greet(socket);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      expect(isSkeinError(await failure(brief.dial(`tcp://127.0.0.1:${String(port)}`)), 'undeliverable')).toBe(true);
      server.close();
    }
    expect(brief.open).toBe(0);
    brief.close();
  });

  it('dials by host name, and over IPv6', async () => {
    const { address } = wires(network.listen('tcp://localhost:*'));
    const port = /\d+$/.exec(await address)?.[0] ?? '';
    expect(await firstValueFrom(network.dial(`tcp://localhost:${port}`))).toHaveProperty('message$');
    expect(isSkeinError(await failure(network.dial('tcp://no.such.host.invalid:1')), 'undeliverable')).toBe(true);
    expect(isSkeinError(await failure(network.dial('tcp://127.0.0.1:*')), 'invalid-argument')).toBe(true);
    expect(await tcpEndpoint('tcp://[::1]:0', 'listen')).toEqual({ endpoint: 'tcp://[::1]:*', isIpv6: true });
  });

  it('refuses messages that are too large or empty, and a peer cannot send too large ones either', async () => {
    const narrow = await ZmqNetwork.create({ ipcDirectory, messageBytesMax: 1_000 }, ports);
    const { address, wire$ } = wires(narrow.listen('tcp://127.0.0.1:*'));
    wire$.pipe(mergeMap((wire) => wire.message$)).subscribe();
    const near = await firstValueFrom(narrow.dial(await address).pipe(shareReplay({ bufferSize: 1, refCount: false })));
    expect(isSkeinError(await failure(near.send([Buffer.alloc(600), Buffer.alloc(401)])), 'payload-too-large')).toBe(true);
    expect(isSkeinError(await failure(near.send([Buffer.alloc(0)])), 'invalid-argument')).toBe(true);
    const wide = network.dial(await address).pipe(mergeMap((wire) => concat(wire.send([Buffer.alloc(1_001)]), wire.message$)));
    expect(await lastValueFrom(wide, { defaultValue: 'ended' })).toBe('ended');
    narrow.close();
  });

  it('lets a wire go whose messages come and are not subscribed to', async () => {
    const warnings: string[] = [];
    const logger = new ConsoleLogger({ ...console, warn: (line: string) => void warnings.push(line) });
    const deaf = await ZmqNetwork.create({ ipcDirectory, highWater: 10 }, { ...ports, logger });
    const { address } = wires(deaf.listen('tcp://127.0.0.1:*'));
    const talking = network.dial(await address).pipe(
      mergeMap((wire) => merge(wire.message$, wire.send([Buffer.from('x')]).pipe(repeat({ delay: 0 })))),
      catchError((error: unknown) => of(isSkeinError(error, 'undeliverable'))),
    );
    expect(await lastValueFrom(talking, { defaultValue: true })).toBe(true);
    expect(warnings).toEqual(['a wire was let go: its messages came, and nobody subscribed to them']);
    deaf.close();
  });

  it('closes with all that is open, and opens nothing more', async () => {
    const { address, wire$ } = wires(network.listen('tcp://127.0.0.1:*'));
    const ends = lastValueFrom(
      wire$.pipe(
        mergeMap((wire) => wire.message$),
        toArray(),
      ),
    );
    const near = lastValueFrom(
      network.dial(await address).pipe(
        mergeMap((wire) => merge(wire.send([Buffer.from('x')]), wire.message$)),
        toArray(),
      ),
    );
    await firstValueFrom(wire$);
    network.close();
    expect(network.open).toBe(0);
    expect(await near).toEqual([]);
    expect(await ends).toHaveLength(1);
    expect(isSkeinError(await failure(network.dial('ipc://closed')), 'closed')).toBe(true);
  });

  it('lets other processes of the user dial what it advertises, and keeps the file only while it listens', async () => {
    const { address, subscription } = wires(network.listen('ipc://a name'));
    const path = (await address).slice('ipc://'.length);
    expect(path).toMatch(/\/[0-9a-f]{32}\.sock$/);
    expect(statSync(path).isSocket()).toBe(true);
    const elsewhere = await ZmqNetwork.create({ ipcDirectory: join(ipcDirectory, 'elsewhere') }, ports);
    expect(await firstValueFrom(elsewhere.dial(await address))).toHaveProperty('message$');
    subscription.unsubscribe();
    expect(existsSync(path)).toBe(false);
    elsewhere.close();
  });

  it('takes the place of a listener that died, and never of one that lives', async () => {
    const path = join(ipcDirectory, 'x.sock');
    const hold = `require('net').createServer().listen(process.argv[1], () => process.send('listening'));`;
    const { child } = await peer(hold, path);
    expect(isSkeinError(await failure(network.listen(`ipc://${path}`)), 'undeliverable')).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(path)).toBe(true);
    expect(await firstValueFrom(network.listen(`ipc://${path}`))).toEqual({ listening: `ipc://${path}` });
  });

  it('removes the sockets that dead processes left in its directory', async () => {
    const left = join(ipcDirectory, `${'0'.repeat(32)}.sock`);
    const { child } = await peer(`require('net').createServer().listen(process.argv[1], () => process.send('listening'));`, left);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await firstValueFrom(network.listen('ipc://*'));
    expect(existsSync(left)).toBe(true);
    utimesSync(left, 0, 0);
    await firstValueFrom(network.listen('ipc://*'));
    expect(existsSync(left)).toBe(false);
  });

  it('refuses a directory that is too long, or that others can enter', async () => {
    const long = await ZmqNetwork.create({ ipcDirectory: join(ipcDirectory, 'd'.repeat(80)) }, ports);
    const tooLong = await failure(long.listen('ipc://*'));
    expect(isSkeinError(tooLong, 'invalid-argument')).toBe(true);
    expect((tooLong as Error).message).toMatch(/has a path of 1\d\d bytes, and at most 107 are allowed/);
    chmodSync(ipcDirectory, 0o755);
    const open = await failure(network.dial('ipc://a'));
    expect((open as Error).message).toContain('can be entered by other users, for its mode is not 0700');
    long.close();
  });

  it('refuses worker threads, and says how to install what is missing', async () => {
    await expect(loadZeromq(undefined, false)).rejects.toThrow('ZeroMQ runs in the main thread only');
    await expect(loadZeromq(() => Promise.reject(new Error('not found')))).rejects.toThrow('npm install zeromq@6.8.0');
  });
});
