import { execFileSync } from 'node:child_process';

/** Tests of the command line run the package as it is published. */
export default (): void => {
  execFileSync('npm', ['run', 'build'], { stdio: 'inherit' });
};
