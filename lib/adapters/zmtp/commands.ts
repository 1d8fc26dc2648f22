import { writeCommand } from './write-frames.js';
import { Violation } from './violation.js';

/** A command may have so many bytes: a name, and the few properties that peers tell of themselves. */
export const commandBytesMax = 4_096;

/** What a socket of ours is to its peers. */
export type SocketType = 'DEALER' | 'ROUTER';

/** Whom each may talk to, by ZeroMQ RFC 28. */
const peersOf: Readonly<Record<SocketType, readonly string[]>> = {
  DEALER: ['ROUTER', 'DEALER', 'REP'],
  ROUTER: ['DEALER', 'ROUTER', 'REQ'],
};

export interface Command {
  readonly name: string;
  readonly content: Buffer;
}

export const readCommand = (body: Buffer): Command => {
  const length = body[0] ?? 0;
  if (body.length < 1 + length || length === 0) throw new Violation('a command has no name');
  return { name: body.toString('latin1', 1, 1 + length), content: body.subarray(1 + length) };
};

/** What a socket says of itself before its first message. */
export const readyCommand = (type: SocketType): Buffer => {
  const property = (name: string, value: string): Buffer => {
    const bytes = Buffer.alloc(1 + name.length + 4 + value.length);
    bytes[0] = name.length;
    bytes.write(name, 1, 'latin1');
    bytes.writeUInt32BE(value.length, 1 + name.length);
    bytes.write(value, 5 + name.length, 'latin1');
    return bytes;
  };
  return writeCommand('READY', Buffer.concat([property('Socket-Type', type), property('Identity', '')]));
};

/** Throws where a peer that says this of itself is none for such a socket. */
export const checkReady = (type: SocketType, content: Buffer): void => {
  const peer = readProperties(content).get('socket-type') ?? 'nothing';
  if (!peersOf[type].includes(peer)) throw new Violation(`a socket of type ${peer} cannot talk to one of type ${type}`);
};

const readProperties = (content: Buffer): ReadonlyMap<string, string> => {
  const properties = new Map<string, string>();
  let at = 0;
  while (at < content.length) {
    const nameEnd = at + 1 + (content[at] ?? 0);
    if (nameEnd === at + 1 || nameEnd + 4 > content.length) throw new Violation('its properties are cut short');
    const end = nameEnd + 4 + content.readUInt32BE(nameEnd);
    if (end > content.length) throw new Violation('its properties are cut short');
    properties.set(content.toString('latin1', at + 1, nameEnd).toLowerCase(), content.toString('latin1', nameEnd + 4, end));
    at = end;
  }
  return properties;
};

/** A PING says for how long it holds, and something of up to 16 bytes to be said back. */
export const pongFor = (content: Buffer): Buffer => {
  if (content.length < 2 || content.length > 18) throw new Violation('a PING is damaged');
  return writeCommand('PONG', content.subarray(2));
};
