import type { Finding } from '../finding.js';

/** The oldest Node that Skein runs on, as package.json says it too. */
const oldest = [20, 19] as const;

export const checkNode = (version = process.versions.node): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNewEnough = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
  const needed = oldest.join('.');
  return isNewEnough
    ? { check: 'node', status: 'ok', found: version }
    : {
        check: 'node',
        status: 'fail',
        found: `${version} is older than ${needed}`,
        advice: `Install Node ${needed} or a newer one.`,
      };
};

/** A link's socket and what ZeroMQ has beside it. */
const perLink = 3;

/** What a process has open before its first link. */
const own = 100;

export const checkDescriptors = (linksMax: number, max = descriptorsMax()): Finding => {
  const check = 'descriptors';
  if (max === undefined) return { check, status: 'warn', found: 'this system does not tell how many files a process may open' };
  const needed = linksMax * perLink + own;
  if (max >= needed) return { check, status: 'ok', found: `${String(max)}, enough for ${String(linksMax)} links` };
  return {
    check,
    status: 'warn',
    found: `${String(max)} are few for ${String(linksMax)} links, which may take ${String(needed)}`,
    advice: `Raise the limit with "ulimit -n ${String(needed)}", or lower linksMax.`,
  };
};

/** How many files this process may open; undefined where that is not told. */
const descriptorsMax = (): number | undefined => {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
  const soft = userLimits?.open_files?.soft;
  return soft === 'unlimited' ? Infinity : typeof soft === 'number' ? soft : undefined;
};
