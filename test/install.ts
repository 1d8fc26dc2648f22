import { execFileSync } from 'node:child_process';
import { has } from './needs.js';

/** Debian packages that suites need; without them those are skipped. */
const packages = ['python3-zmq'] as const;

/** Installs what is missing, where that may be done without asking. */
export default (): void => {
  const missing = packages.filter((name) => !has(name));
  if (missing.length === 0) return;
  const command = `apt-get install --yes --no-install-recommends ${missing.join(' ')}`;
  try {
    if (process.getuid?.() !== 0) throw new Error('only root may install');
    execFileSync('sh', ['-c', `apt-get update && ${command}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    console.warn(
      `Tests that need ${missing.join(', ')} will be skipped ("${command}" installs what they need): ${String(error)}`,
    );
  }
};
