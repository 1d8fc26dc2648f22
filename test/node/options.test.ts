import { expect, it } from 'vitest';
import { SkeinError } from '../../lib/core/errors.js';
import { type NodeOptions, planNode, variables } from '../../lib/node/options.js';
import { settingNames } from '../../lib/node/settings.js';

const problemsOf = (options: NodeOptions, environment: Readonly<Record<string, string>> = {}): readonly string[] => {
  try {
    planNode(options, environment);
  } catch (error) {
    if (!(error instanceof SkeinError)) throw error;
    const { issues } = (error as SkeinError<'invalid-argument'>).details;
    expect(error.code).toBe('invalid-argument');
    return issues.map(({ message }) => message);
  }
  return [];
};

it('means this host where nothing is said', () => {
  expect(planNode({}, {})).toMatchObject({ scheme: 'zmq+local', place: '', settings: {}, url: 'zmq+local://' });
});

it('lists every problem at once, whoever has it', () => {
  const options = { url: 'zmq+local://?linksMax=0&nothing=1', name: '', timeoutMs: 1.5, colour: 'red' };
  expect(problemsOf(options, { SKEIN_LEASE_MS: 'x', SKEIN_INSECURE: '1' })).toEqual([
    expect.stringMatching(/^"colour" is not known: the settings are /),
    'SKEIN_INSECURE: insecure must be true or false, and is "1"',
    'SKEIN_LEASE_MS: leaseMs must be a whole number, and is "x"',
    expect.stringMatching(/^"nothing" is not known: the settings are /),
    'name must be a text that is not empty',
    'timeoutMs must be a whole number of at least 0, and is 1.5',
  ]);
});

it('lists what is wrong with the parts that are no text', () => {
  const options = { url: 5, logger: { warn: () => undefined }, hub: {}, overrides: [null], modules: {}, labels: [] };
  expect(problemsOf(options as never)).toEqual([
    'url must be a string',
    'logger must have the functions debug, info, warn and error',
    'hub must be a Hub: new Hub()',
    'overrides must be a list, each made by override(…)',
    'modules must be a list of ContainerModules',
    'labels must be texts by name',
  ]);
  for (const odd of [null, 5, []]) expect(problemsOf(odd as never)).toHaveLength(1);
});

it('takes a URL that is an object', () => {
  expect(planNode({ url: new URL('zmq+memory://x') as never }, {})).toMatchObject({ scheme: 'zmq+memory', place: 'x' });
});

it('refuses to share with what may be in another process, and what is none of its choices', () => {
  expect(problemsOf({ url: 'zmq+local://', inProcess: 'share' })).toEqual([
    expect.stringMatching(/^inProcess=share is for zmq\+memory:/),
  ]);
  expect(problemsOf({ url: 'zmq+memory://x?inProcess=shared' })).toEqual(['inProcess must be copy or share, and is shared']);
  expect(problemsOf({ url: 'zmq+memory://x?inProcess=share' })).toEqual([]);
  expect(planNode({ url: 'zmq+local://' }, { SKEIN_IN_PROCESS: 'share' }).url).toBe('zmq+local://');
  expect(planNode({ url: 'zmq+memory://x' }, { SKEIN_IN_PROCESS: 'share' }).url).toBe('zmq+memory://x?inProcess=share');
});

it('refuses a label that is there twice', () => {
  expect(problemsOf({ url: 'zmq+local://?label.a=1&label.a=2' }, { SKEIN_LABELS: 'b=1&b=1&b=2' })).toEqual([
    'SKEIN_LABELS: label b is there twice',
    'label a is there twice',
  ]);
});

it('has an environment variable for every setting', () => {
  const environment = {
    SKEIN_URL: 'zmq+memory://there',
    SKEIN_NAME: 'n',
    SKEIN_BIND: 'tcp://127.0.0.1:4000',
    SKEIN_ADVERTISE: 'tcp://10.0.0.1:4000',
    SKEIN_NETWORK: 'zmtp',
    SKEIN_IN_PROCESS: 'share',
    SKEIN_INSECURE: 'true',
    SKEIN_TIMEOUT_MS: '1',
    SKEIN_NO_SERVER_MS: '2',
    SKEIN_HEARTBEAT_MS: '30',
    SKEIN_LEASE_MS: '400',
    SKEIN_LINKS_MAX: '5',
    SKEIN_LINK_CREDIT: '6',
    SKEIN_SEND_STACKS: 'false',
    SKEIN_REMOTE_DRAIN: 'false',
    SKEIN_HANDLE_SIGNALS: 'true',
    SKEIN_LABELS: 'zone=a%26b&rack=',
  };
  expect(Object.keys(environment).sort()).toEqual([...variables].sort());
  const { scheme, place, settings } = planNode({}, environment);
  expect({ scheme, place }).toEqual({ scheme: 'zmq+memory', place: 'there' });
  expect(Object.keys(settings).sort()).toEqual([...settingNames].sort());
  expect(settings).toMatchObject({ name: 'n', insecure: true, timeoutMs: 1, labels: { zone: 'a&b', rack: '' } });
});

it('takes an empty variable for one that is not set', () => {
  expect(planNode({}, { SKEIN_URL: '', SKEIN_NAME: '', SKEIN_TIMEOUT_MS: '' }).settings).toEqual({});
});

it('lets options win over the URL, and the URL over the environment', () => {
  const environment = { SKEIN_NAME: 'environment', SKEIN_TIMEOUT_MS: '1', SKEIN_LEASE_MS: '100' };
  const url = 'zmq+local://?name=url&timeoutMs=2';
  expect(planNode({ url, name: 'option' }, environment).settings).toEqual({ name: 'option', timeoutMs: 2, leaseMs: 100 });
  expect(planNode({ url: 'zmq+memory://a' }, { SKEIN_URL: 'zmq+memory://b' }).place).toBe('a');
});

it('takes an option that is undefined for one that was not given', () => {
  const options = { url: 'zmq+local://?name=url', name: undefined } as unknown as NodeOptions;
  expect(planNode(options, {}).settings).toEqual({ name: 'url' });
});

it.each([
  ['tcp://0.0.0.0:4000', false],
  ['tcp://*:*', false],
  ['tcp://192.168.0.7:4000', false],
  ['tcp://[::]:4000', false],
  ['tcp://example.org:4000', false],
  ['tcp://127.0.0.1.example.org:4000', false],
  ['tcp://localhost:4000', true],
  ['tcp://127.0.0.1:*', true],
  ['tcp://127.9.8.7:4000', true],
  ['tcp://[::1]:4000', true],
  ['ipc://name', true],
])('binding to %s without insecure is allowed: %s', (bind, isAllowed) => {
  const refusal = `bind ${bind} reaches beyond this host without encryption: bind to 127.0.0.1, or say insecure=true`;
  expect(problemsOf({ bind })).toEqual(isAllowed ? [] : [refusal]);
  expect(problemsOf({ bind, insecure: true })).toEqual([]);
});

it.each([
  [{ name: '\ud800' }, 'name must be a text that is not empty'],
  [{ labels: { '': 'x' } }, 'labels must be texts by name'],
  [{ labels: { zone: 7 } }, 'labels must be texts by name'],
  [{ heartbeatMs: 9 }, 'heartbeatMs must be a whole number of at least 10, and is 9'],
  [{ linkCredit: 0 }, 'linkCredit must be a whole number of at least 1, and is 0'],
  [{ timeoutMs: -1 }, 'timeoutMs must be a whole number of at least 0, and is -1'],
  [{ timeoutMs: Infinity }, 'timeoutMs must be a whole number of at least 0, and is Infinity'],
  [{ insecure: 'true' }, 'insecure must be true or false'],
])('refuses %j', (options, problem) => {
  expect(problemsOf(options as unknown as NodeOptions)).toEqual([problem]);
});
