import { execFileSync } from 'node:child_process';
import { has } from './needs.js';

/** Tests of the command line run the package as it is published. Where ZeroMQ's types are missing, that is what was built before. */
export default (): void => {
  if (has('zeromq')) execFileSync('npm', ['run', 'build'], { stdio: 'inherit' });
};
