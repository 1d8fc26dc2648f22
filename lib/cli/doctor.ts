import { checkEnvironment, linksMaxIn } from './checks/environment.js';
import { checkPackages } from './checks/packages.js';
import { checkIpcDirectory } from './checks/places.js';
import { checkDescriptors, checkNode } from './checks/platform.js';
import { type Finding, messageOf } from './finding.js';

/** Looks at all that Skein needs of this machine, and lets nodes call each other. Never rejects. */
export const diagnose = async (environment: Readonly<Record<string, string | undefined>>): Promise<Finding[]> => [
  checkNode(),
  ...(await checkPackages()),
  ...checkEnvironment(environment),
  checkDescriptors(linksMaxIn(environment)),
  checkIpcDirectory(),
  ...(await checkTraffic()),
];

/** Loaded late: where a package is missing, the other checks are still made. */
const checkTraffic = async (): Promise<Finding[]> => {
  try {
    const { checkLocalDirectory, checkNetworks } = await import('./checks/traffic.js');
    return [...(await checkNetworks()), await checkLocalDirectory()];
  } catch (error) {
    return [{ check: 'tcp', status: 'fail', found: `no node could be started: ${messageOf(error)}` }];
  }
};

/** Whether Skein will work. */
export const isHealthy = (findings: readonly Finding[]): boolean => findings.every(({ status }) => status !== 'fail');

/** A line for each finding, and one below it for what to do. */
export const formatFindings = (findings: readonly Finding[]): string => {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, status, found, advice }) => [
    `${status.padEnd(4)}  ${check.padEnd(width)}  ${found}`,
    ...(advice === undefined ? [] : [`${' '.repeat(width + 8)}${advice}`]),
  ]);
  const count = (wanted: Finding['status']): string => String(findings.filter(({ status }) => status === wanted).length);
  return [...lines, '', `${count('ok')} ok, ${count('warn')} to be looked at, ${count('fail')} failed`].join('\n');
};
