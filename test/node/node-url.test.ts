import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatNodeUrl, type NodeUrl, parseNodeUrl } from '../../lib/node/node-url.js';
import { planNode } from '../../lib/node/options.js';
import { type Settings, settingKinds } from '../../lib/node/settings.js';

/** Text of any characters that UTF-8 can write. */
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
const word = text.filter((string) => !string.includes('/'));
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });

const arbitraries = {
  text,
  flag: fc.boolean(),
  count,
  labels: fc.dictionary(text, fc.string({ unit: 'binary' }), { minKeys: 1 }),
};

/** Any of the settings, and any value of each. */
const settings = fc.record(
  Object.fromEntries(
    Object.entries(settingKinds).map(([name, kind]) => [
      name,
      typeof kind === 'string' ? arbitraries[kind] : fc.constantFrom(...kind),
    ]),
  ) as Record<keyof Settings, fc.Arbitrary<never>>,
  { requiredKeys: [] },
) as fc.Arbitrary<Settings>;

const path = text.map((string) => `/${string}`);

const scheme = fc.oneof(
  fc.record({ scheme: fc.constant('zmq+local' as const), place: fc.oneof(fc.constant(''), path) }),
  fc.record({ scheme: fc.constant('zmq+static' as const), place: path.filter((place) => place !== '/') }),
  fc.record({ scheme: fc.constant('zmq+memory' as const), place: fc.oneof(fc.constant(''), word) }),
  fc.record({ scheme: fc.constant('sim' as const), place: word }),
);

const nodeUrl: fc.Arbitrary<NodeUrl> = fc.tuple(scheme, settings).map(([where, what]) => ({ ...where, settings: what }));

it('reads what it wrote as the same, for all settings', () => {
  fc.assert(
    fc.property(nodeUrl, (url) => {
      expect(parseNodeUrl(formatNodeUrl(url))).toEqual(url);
    }),
    { numRuns: 2_000 },
  );
});

it('keeps labels of any name', () => {
  const { labels } = parseNodeUrl('zmq+local://?label.__proto__=a&label.constructor=b').settings;
  expect(Object.entries(labels ?? {})).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

it('prints a URL that gives the same node', () => {
  const { url } = planNode({ url: 'zmq+local://', name: 'a b', timeoutMs: 7, labels: { zone: 'ü&=' } }, {});
  expect(url).toBe('zmq+local://?name=a%20b&timeoutMs=7&label.zone=%C3%BC%26%3D');
  expect(planNode({ url }, {}).url).toBe(url);
});

it('leaves addresses readable', () => {
  const { url } = planNode({ url: 'zmq+local://', bind: 'tcp://127.0.0.1:*', name: 'host-7@lvm' }, {});
  expect(url).toBe('zmq+local://?name=host-7@lvm&bind=tcp://127.0.0.1:*');
});

it.each([
  ['zmq+local://?timeout=3', '"timeout" is not known: the settings are name, bind, advertise, network, inProcess, insecure,'],
  ['zmq+local://?label.=x', '"label." is not known'],
  ['zmq+local://?labels=x', '"labels" is not known'],
  ['zmq+local://?__proto__=x', '"__proto__" is not known'],
  ['zmq+local://?timeoutMs=1&timeoutMs=2', 'timeoutMs is there twice'],
  ['zmq+local://?timeoutMs=1e3', 'timeoutMs must be a whole number, and is "1e3"'],
  ['zmq+local://?insecure=yes', 'insecure must be true or false, and is "yes"'],
  ['zmq+local://?name=%ff', '"%ff" is not percent-encoded UTF-8'],
  ['zmq+local://relative', '"relative" is no place for zmq+local: write zmq+local:// or zmq+local:///FOLDER'],
  ['zmq+static://', '"" is no place for zmq+static: write zmq+static:///PATH/ring.yaml'],
  ['sim://', '"" is no place for sim: write sim://HOST'],
  ['zmq+nowhere://', 'is no URL of a node: write one of zmq+local://'],
  ['localhost:4000', 'is no URL of a node'],
  ['', 'is no URL of a node'],
])('refuses %s', (url, message) => {
  expect(() => parseNodeUrl(url)).toThrow(message);
});
