import { resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';

const folder = resolve(import.meta.dirname, '../fixtures/protocol');

/** Bytes as hex; many equal ones at the end as `00*16384`. */
export const writeHex = (frame: Uint8Array): string => {
  let end = frame.length;
  while (end > 0 && frame[end - 1] === frame[frame.length - 1]) end -= 1;
  if (frame.length - end < 64) end = frame.length;
  const head = Buffer.from(frame.subarray(0, end)).toString('hex');
  const run =
    end < frame.length ? `${Buffer.from(frame.subarray(end, end + 1)).toString('hex')}*${String(frame.length - end)}` : '';
  return [head, run].filter((part) => part !== '').join(' ');
};

/** What {@link writeHex} wrote. */
export const readHex = (text: string): Uint8Array =>
  Buffer.concat(
    text.split(' ').map((part) => {
      const [hex = '', times = '1'] = part.split('*');
      return Buffer.from(hex.repeat(Number(times)), 'hex');
    }),
  );

/** Envelopes as JSON: what JSON lacks, or would be long in it, stands in objects of one field. */
export const show = (value: unknown): unknown => {
  if (typeof value === 'bigint') return { $int64: String(value) };
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  if (typeof value === 'string' && value.length > 64 && value === value.charAt(0).repeat(value.length)) {
    return { $repeated: [value.charAt(0), value.length] };
  }
  if (value instanceof Uint8Array) return { $bytes: writeHex(value) };
  if (value instanceof Date) return { $date: value.toISOString() };
  if (Array.isArray(value)) return value.map(show);
  if (typeof value !== 'object' || value === null) return value;
  // How much a payload weighs is no part of what travels.
  const fields = Object.entries(value).filter(([key, field]) => field !== undefined && key !== 'bytes');
  return Object.fromEntries(fields.map(([key, field]) => [key, show(field)]));
};

/** A fixture's path and its text, formatted as the project's other files are. */
export const fixture = async (name: string, content: unknown): Promise<{ readonly path: string; readonly text: string }> => {
  const path = resolve(folder, `${name}.json`);
  const options = await resolveConfig(path);
  return { path, text: await format(JSON.stringify(content), { ...options, filepath: path }) };
};
