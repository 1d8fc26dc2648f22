import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkEnvironment, linksMaxIn } from '../../lib/cli/checks/environment.js';
import { checkPackages } from '../../lib/cli/checks/packages.js';
import { checkDescriptors, checkNode } from '../../lib/cli/checks/platform.js';
import { formatFindings, isHealthy } from '../../lib/cli/doctor.js';
import type { Finding } from '../../lib/cli/finding.js';
import { has } from '../needs.js';
import { temporary } from '../run.js';
import { skein } from './skein.js';

/** The package that these tests may run without. */
const missing = has('zeromq') ? [] : ['zeromq'];

const checksIn = (stdout: string): readonly Finding[] => (JSON.parse(stdout) as { readonly checks: readonly Finding[] }).checks;

it('finds nothing wrong where all is well, and lets two nodes talk over tcp and ipc', async () => {
  using place = temporary();
  const { code, stdout, stderr } = await skein(['doctor'], place.env);
  expect(stdout).toMatch(/^ok {4}tcp +one node called another at tcp:\/\/127\.0\.0\.1:\d+$/m);
  expect(stdout).toMatch(/^ok {4}ipc +one node called another at ipc:\/\/.*\.sock$/m);
  expect(stdout).toMatch(/^ok {4}local directory +one node called another at /m);
  const warned = missing.length;
  expect(stdout).toContain(`\n${String(9 - warned)} ok, ${String(warned)} to be looked at, 0 failed\n`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('tells machines the same, and is not led astray by the settings that it looks at', async () => {
  using place = temporary();
  const env = { ...place.env, SKEIN_URL: 'nowhere', SKEIN_TIMEOUT_MS: 'soon', SKEIN_TIMEOUT: '3' };
  const { code, stdout } = await skein(['doctor', '--json'], env);
  expect(JSON.parse(stdout)).toMatchObject({ ok: false });
  const byStatus = (wanted: Finding['status']) =>
    checksIn(stdout)
      .filter(({ status }) => status === wanted)
      .map(({ check }) => check);
  expect(byStatus('fail')).toEqual(['environment', 'environment']);
  expect(byStatus('warn')).toEqual([...missing, 'environment']);
  expect(byStatus('ok')).toContain('local directory');
  expect(code).toBe(1);
});

it('says what is wrong with a directory that others may enter, and what to do', async () => {
  using place = temporary();
  const directory = join(place.path, `skein-${String(process.getuid?.())}`);
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  const { code, stdout } = await skein(['doctor', '--json'], place.env);
  const failed = checksIn(stdout).filter(({ status }) => status === 'fail');
  expect(failed.map(({ check }) => check)).toEqual(['ipc directory', 'ipc', 'local directory']);
  expect(failed[0]).toMatchObject({
    found: expect.stringContaining(directory) as string,
    advice: expect.stringContaining('XDG_RUNTIME_DIR') as string,
  });
  expect(code).toBe(1);
});

it('says how long a path is that is too long for a socket', async () => {
  using place = temporary();
  const long = join(place.path, 'l'.repeat(80));
  mkdirSync(long);
  const { code, stdout } = await skein(['doctor', '--json'], { TMPDIR: long, XDG_RUNTIME_DIR: '' });
  const found = checksIn(stdout).find(({ check }) => check === 'ipc directory');
  expect(found).toMatchObject({
    status: 'fail',
    found: expect.stringMatching(/has a path of 1\d\d bytes, and at most 107/) as string,
  });
  expect(code).toBe(1);
});

it.each([
  [['docter'], /unknown command 'docter'\n\(Did you mean doctor\?\)/],
  [['doctor', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
  [['doctor', 'more'], /too many arguments for 'doctor'/],
  [[], /Usage: skein/],
])('refuses the command line %j with exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await skein(args);
  expect(stderr).toMatch(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

it('shows help and its version', async () => {
  expect(await skein(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('doctor [options]') as string });
  expect(await skein(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
});

it('knows which Node is too old', () => {
  expect(['18.20.0', '20.18.3', '20.19.0', '22.0.0'].map((version) => checkNode(version).status)).toEqual([
    'fail',
    'fail',
    'ok',
    'ok',
  ]);
});

it('warns where links may run out of file descriptors', () => {
  expect(checkDescriptors(256, 1_024)).toMatchObject({ status: 'ok' });
  expect(checkDescriptors(512, 1_024)).toMatchObject({
    status: 'warn',
    advice: 'Raise the limit with "ulimit -n 1636", or lower linksMax.',
  });
  expect(checkDescriptors(512, Infinity)).toMatchObject({ status: 'ok' });
  expect(linksMaxIn({ SKEIN_LINKS_MAX: '512' })).toBe(512);
  expect(linksMaxIn({ SKEIN_LINKS_MAX: 'many' })).toBe(256);
});

it('tells a package that cannot be loaded', async () => {
  const findings = await checkPackages((name) =>
    name === 'zeromq' ? Promise.reject(new Error('no native build was found\nand more')) : Promise.resolve(),
  );
  expect(findings.map(({ status }) => status)).toEqual(['warn', 'ok']);
  expect(findings[0]?.advice).toContain('nodes speak its protocol by themselves');
  const isThere = /^\d+\.\d+\.\d+ cannot be loaded: no native build was found$/;
  expect(findings[0]?.found).toMatch(missing.length === 0 ? isThere : /^is not installed$/);
  const others = await checkPackages((name) => (name === 'msgpackr' ? Promise.reject(new Error('broken')) : Promise.resolve()));
  expect(others.map(({ status }) => status)).toEqual(['ok', 'fail']);
});

it('never tells the value of a variable that is right', () => {
  const findings = checkEnvironment({ SKEIN_NAME: 'secret', SKEIN_LABELS: 'zone=secret', HOME: '/home' });
  expect(findings).toEqual([{ check: 'environment', status: 'ok', found: 'SKEIN_LABELS, SKEIN_NAME can be read' }]);
});

it('prints the findings in columns, with what to do below', () => {
  const findings: Finding[] = [
    { check: 'a', status: 'ok', found: 'well' },
    { check: 'long', status: 'warn', found: 'hm', advice: 'Look.' },
  ];
  expect(formatFindings(findings)).toBe(
    ['ok    a     well', 'warn  long  hm', '            Look.', '', '1 ok, 1 to be looked at, 0 failed'].join('\n'),
  );
  expect(isHealthy(findings)).toBe(true);
});
