import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { EMPTY, filter, firstValueFrom, lastValueFrom, map, mergeMap, ReplaySubject, share, shareReplay } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { SystemIds } from '../../lib/adapters/system/system-ids.js';
import { readyCommand } from '../../lib/adapters/zmtp/commands.js';
import { greeting } from '../../lib/adapters/zmtp/greeting.js';
import { writeCommand, writeMessage } from '../../lib/adapters/zmtp/write-frames.js';
import { ZmtpNetwork } from '../../lib/adapters/zmtp/zmtp-network.js';
import { RecordingLogger } from '../recording-logger.js';

const clock = new SystemClock();
const ports = { clock, ids: new SystemIds(clock), logger: new RecordingLogger(), makePrivate };

describe('a listener that speaks ZMTP', () => {
  let network: ZmtpNetwork;
  let address: string;
  let heard$: ReplaySubject<string>;
  beforeEach(async () => {
    network = new ZmtpNetwork({ ipcDirectory: tmpdir(), openMs: 200, messageBytesMax: 1_000 }, ports);
    heard$ = new ReplaySubject(100);
    const listening$ = network.listen('tcp://127.0.0.1:*').pipe(share());
    listening$
      .pipe(mergeMap((value) => ('message$' in value ? value.message$ : EMPTY)))
      .pipe(map(([frame]) => Buffer.from(frame ?? []).toString()))
      .subscribe(heard$);
    address = await firstValueFrom(listening$.pipe(map((value) => ('listening' in value ? value.listening : ''))));
  });
  afterEach(() => {
    network.close();
  });

  /** What it says to one who says this, until it hangs up. */
  const answerTo = async (...said: readonly Uint8Array[]): Promise<Buffer> => {
    const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1');
    for (const bytes of said) socket.write(bytes);
    return buffer(socket);
  };

  const greeted = Buffer.concat([greeting, readyCommand('DEALER')]);
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(greeting);
    bytes[at] = value;
    return bytes;
  };

  it.each<[string, readonly Uint8Array[]]>([
    ['another protocol', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['a signature that is cut short', [Buffer.concat([greeting.subarray(0, 9), Buffer.alloc(1)])]],
    ['an older version', [changed(10, 2)]],
    ['a security mechanism', [Buffer.concat([greeting.subarray(0, 12), Buffer.from('CURVE'.padEnd(52, '\0'))])]],
    ['nothing', []],
    ['half a greeting, and then nothing', [greeting.subarray(0, 20)]],
    ['a greeting, and then nothing', [greeting]],
    ['a message before it is ready', [greeting, Buffer.from([0, 1, 7])]],
    ['a command without a name', [greeting, Buffer.from([4, 1, 0])]],
    ['properties that are cut short', [greeting, writeCommand('READY', Buffer.from([5, 65]))]],
    ['a socket that does not fit', [greeting, writeCommand('READY', Buffer.from('\x0bSocket-Type\0\0\0\x03PUB', 'latin1'))]],
    ['an error', [greeting, writeCommand('ERROR', Buffer.from('\x03bad', 'latin1'))]],
    ['that it is ready twice', [greeted, readyCommand('DEALER')]],
    ['a command that is too long', [greeted, writeCommand('PING', Buffer.alloc(5_000))]],
    ['a damaged PING', [greeted, writeCommand('PING', Buffer.alloc(30))]],
    ['a frame that is too long', [greeted, Buffer.from([2, 0, 0, 0, 0, 0, 0, 4, 0])]],
    ['a frame longer than there are numbers', [greeted, Buffer.from([2, 255, 255, 255, 255, 255, 255, 255, 255])]],
    ['frames that are too long together', [greeted, ...writeMessage([Buffer.alloc(600), Buffer.alloc(600)])]],
    ['too many frames', [greeted, ...writeMessage(Array.from({ length: 1_025 }, () => new Uint8Array(0)))]],
    ['flags that mean nothing', [greeted, Buffer.from([8, 0])]],
  ])('hangs up on who says %s, and serves others', async (_, said) => {
    const before = ports.logger.lines.length;
    const answer = await answerTo(...said);
    const line = { level: 'warn', message: 'a peer does not keep to ZMTP, and is turned away' };
    expect(ports.logger.lines.slice(before)).toContainEqual(expect.objectContaining(line));
    expect(answer.subarray(0, 64).equals(greeting)).toBe(true);
    const dialled = await firstValueFrom(network.dial(address).pipe(shareReplay({ bufferSize: 1, refCount: false })));
    await lastValueFrom(dialled.send([Buffer.from('well')]), { defaultValue: undefined });
    expect(await firstValueFrom(heard$.pipe(filter((text) => text === 'well')))).toBe('well');
  });

  it('turns away who comes while 1,024 others have not said what they are, until one of them leaves', async () => {
    const patient = new ZmtpNetwork({ ipcDirectory: tmpdir(), openMs: 60_000 }, ports);
    const listening$ = patient.listen('tcp://127.0.0.1:*').pipe(share());
    const at$ = listening$.pipe(map((value) => ('listening' in value ? value.listening : '')));
    const listening = firstValueFrom(at$);
    listening$.subscribe();
    const port = Number((await listening).split(':').at(-1));
    /** Whether it is greeted; else it is hung up on. */
    const greet = (): Promise<Socket | undefined> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('data', () => {
          resolve(socket);
        });
        socket.once('close', () => {
          resolve(undefined);
        });
        socket.on('error', () => undefined);
      });
    const strangers = await Promise.all(Array.from({ length: 1_024 }, greet));
    expect(strangers).not.toContain(undefined);
    expect(await greet()).toBeUndefined();
    expect(ports.logger.lines.at(-1)?.fields).toMatchObject({ reason: '1024 others have not said yet what they are' });
    strangers[0]?.destroy();
    let next = await greet();
    while (!next) next = await greet();
    // Who says what it is makes room for others.
    next.write(greeted);
    let other = await greet();
    while (!other) other = await greet();
    patient.close();
    for (const socket of [...strangers, next, other]) socket?.destroy();
  });

  it('answers a PING with what was in it', async () => {
    const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1');
    socket.write(Buffer.concat([greeted, writeCommand('PING', Buffer.from('\0\x0acontext', 'latin1'))]));
    const pong = writeCommand('PONG', Buffer.from('context'));
    let heard = Buffer.alloc(0);
    for await (const chunk of socket) {
      heard = Buffer.concat([heard, chunk as Buffer]);
      if (heard.includes(pong)) break;
    }
    expect(heard.subarray(-pong.length).equals(pong)).toBe(true);
  });
});
