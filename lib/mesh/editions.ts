import { SkeinError } from '../core/errors.js';
import { isCompatible, isSameMajor, parseVersion } from '../core/version.js';
import type { Registration } from '../ports/matchmaker.js';
import type { Operation } from '../ports/transport.js';

type Edition = Pick<Registration, 'namespace' | 'version'>;

/** Whether a server can answer the operation; one of which the directory knows no version is asked itself. */
export const fits = (wanted: Edition, served: Edition): boolean => meets(wanted, served, isCompatible);

/** Whether a server is of the operation's namespace and major, be it too old for it or not. */
export const isOfSeries = (wanted: Edition, served: Edition): boolean => meets(wanted, served, isSameMajor);

/** What is equal is not parsed: a fanout asks it of every server. */
const meets = (wanted: Edition, served: Edition, compare: typeof isCompatible): boolean =>
  served.namespace === wanted.namespace &&
  (served.version === '' ||
    served.version === wanted.version ||
    compare(parseVersion(wanted.version), parseVersion(served.version)));

/** There are servers, and none that fits. */
export const unsupported = (operation: Operation, registrations: readonly Edition[]): SkeinError =>
  new SkeinError('unsupported-version', { wanted: sayEdition(operation), served: [...new Set(registrations.map(sayEdition))] });

const sayEdition = ({ namespace, version }: Edition): string => `${namespace} ${version}`.trim();
