import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Finding, messageOf } from '../finding.js';

/** Those that bring a native addon, which a system may lack or refuse. */
const names = ['zeromq', 'msgpackr'] as const;
type Name = (typeof names)[number];

/** What is without them. */
const ifMissing: { readonly [N in Name]: { readonly status: 'warn' | 'fail'; readonly without: string } } = {
  zeromq: { status: 'warn', without: ' Without it, nodes speak its protocol by themselves (network=zmtp), to other hosts too.' },
  msgpackr: { status: 'fail', without: '' },
};

/** Whether the packages are there and can be loaded. */
export const checkPackages = (load: (name: string) => Promise<unknown> = (name) => import(name)): Promise<Finding[]> =>
  Promise.all(names.map((name) => checkPackage(name, load)));

const checkPackage = async (name: Name, load: (name: string) => Promise<unknown>): Promise<Finding> => {
  const version = versionOf(name);
  try {
    await load(name);
    return { check: name, status: 'ok', found: version ?? 'loaded' };
  } catch (error) {
    const why = messageOf(error).split('\n')[0] ?? '';
    const { status, without } = ifMissing[name];
    return version === undefined
      ? { check: name, status, found: 'is not installed', advice: `Run "npm install" where package.json is.${without}` }
      : {
          check: name,
          status,
          found: `${version} cannot be loaded: ${why}`,
          advice: `Remove node_modules/${name} and run "npm install" on this machine: its binaries differ from system to system.${without}`,
        };
  }
};

/** As the installed package says; undefined where there is none. */
const versionOf = (name: string): string | undefined => {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { version: string };
      return version;
    } catch {
      // It is looked for in the folders above too.
    }
  }
  return undefined;
};
