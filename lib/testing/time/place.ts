import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** All of Skein's own files. */
const own = `${dirname(dirname(dirname(fileURLToPath(import.meta.url))))}${sep}`;

/** Where in the user's own code something was done; taken as it is done, and read when it is needed. */
export class Place {
  readonly #error = deepError();

  /** `test/orders.test.ts:12:5`, or the empty text where no frame is the user's own. */
  toString(): string {
    const frames = (this.#error.stack ?? '').split('\n').slice(1);
    const frame = frames.map(locationIn).find((location) => location !== '' && !isForeign(location)) ?? '';
    return frame.startsWith(process.cwd() + sep) ? frame.slice(process.cwd().length + 1) : frame;
  }
}

/** Many frames of libraries may stand before the user's own. */
const deepError = (): Error => {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const error = new Error();
  Error.stackTraceLimit = before;
  return error;
};

const locationIn = (frame: string): string =>
  /\(?((?:file:\/\/)?\/[^()]*:\d+:\d+)\)?$/.exec(frame)?.[1]?.replace('file://', '') ?? '';

const isForeign = (location: string): boolean => location.startsWith(own) || location.includes(`${sep}node_modules${sep}`);
