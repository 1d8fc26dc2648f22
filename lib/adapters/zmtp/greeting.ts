import { Violation } from './violation.js';

/** What both sides say first: who speaks ZMTP 3.1 without security (ZeroMQ RFC 37). */
export const greetingBytes = 64;

const mechanism = 'NULL'.padEnd(20, '\0');

export const greeting: Buffer = Buffer.alloc(greetingBytes);
greeting[0] = 0xff;
greeting[9] = 0x7f;
greeting[10] = 3;
greeting[11] = 1;
greeting.write(mechanism, 12, 'latin1');

/** Throws where what has come of a greeting, whole or not, is none that can be answered. */
export const checkGreeting = (bytes: Buffer): void => {
  if (bytes.length > 0 && bytes[0] !== 0xff) throw new Violation('it does not speak ZMTP');
  if (bytes.length > 9 && (bytes[9] ?? 0) !== 0x7f) throw new Violation('it does not speak ZMTP');
  if (bytes.length > 10 && (bytes[10] ?? 0) < 3) {
    throw new Violation(`it speaks ZMTP ${String(bytes[10])}, and 3 is the oldest that is known here`);
  }
  if (bytes.length < greetingBytes) return;
  const asked = bytes.toString('latin1', 12, 32);
  if (asked !== mechanism) {
    throw new Violation(`it asks for the security mechanism ${asked.replace(/\0+$/, '')}, and there is NULL only`);
  }
};
