import { invalidArgument } from './errors.js';

/** `major.minor.patch`; what is missing counts as 0. */
export type Version = `${number}` | `${number}.${number}` | `${number}.${number}.${number}`;

type Parts = readonly [major: number, minor: number, patch: number];

const shape = /^(0|[1-9]\d{0,8})(?:\.(0|[1-9]\d{0,8}))?(?:\.(0|[1-9]\d{0,8}))?$/;

export const isVersion = (text: unknown): text is Version => typeof text === 'string' && shape.test(text);

/** The three numbers of a version; throws `invalid-argument` for what is none. */
export const parseVersion = (text: unknown): Parts => {
  const match = typeof text === 'string' ? shape.exec(text) : undefined;
  if (!match) throw invalidArgument(`"${String(text)}" is not a version: write major, major.minor or major.minor.patch`);
  return [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
};

/** Whether the one version lies above the other: by major, then minor, then patch. */
export const isAbove = (version: Parts, cap: Parts): boolean => {
  const at = version.findIndex((part, index) => part !== cap[index]);
  return at !== -1 && (version[at] ?? 0) > (cap[at] ?? 0);
};

/** Whether two versions are of one major. */
export const isSameMajor = (a: Parts, b: Parts): boolean => a[0] === b[0];

/** Whether a server of the version `implemented` can answer a request for `wanted`: same major, and not newer. */
export const isCompatible = (wanted: Parts, implemented: Parts): boolean =>
  wanted[0] === implemented[0] && (wanted[1] < implemented[1] || (wanted[1] === implemented[1] && wanted[2] <= implemented[2]));
