import { sep } from 'node:path';

/** Where in the user's own code something was done; taken as it is done, and read when it is needed. */
export class Place {
  readonly #error = deepError();

  /** `test/orders.test.ts:12:5`, or the empty text where no frame is the user's own. */
  toString(): string {
    const locations = (this.#error.stack ?? '').split('\n').flatMap(locationIn);
    // The first is of this very file, and says how Skein's files are called here, be it by source maps.
    const [here = ''] = locations;
    const own = here.slice(0, here.search(/testing[/\\]time[/\\]place\.[jt]s/));
    const isForeign = (location: string): boolean => location.startsWith(own) || location.includes(`${sep}node_modules${sep}`);
    const frame = locations.find((location) => !isForeign(location)) ?? '';
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

const locationIn = (frame: string): readonly string[] => {
  const location = /[( ]((?:file:\/\/)?\/[^()]*:\d+:\d+)\)?$/.exec(frame)?.[1];
  return location === undefined ? [] : [location.replace('file://', '')];
};
