/**
 * What lib/ must not touch outside of the adapters to the real world: the process's own time and chance. They are ports (Clock,
 * Random, Ids), so that a simulation replays from its seed. Each list is the options of the lint rule that it is named for.
 */
const message = 'Time, chance and ids are ports: take a Clock, Random or Ids.';

const globals = [
  'crypto',
  'global',
  'globalThis',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
].map((name) => ({ name, message }));

const properties = [
  ['AbortSignal', 'timeout'],
  ['Date', 'now'],
  ['Math', 'random'],
  ['process', 'hrtime'],
  ['process', 'nextTick'],
  ['process', 'uptime'],
].map(([object, property]) => ({ object, property, message }));

const syntax = [
  "NewExpression[callee.name='Date'][arguments.length=0]",
  "CallExpression[callee.name='Date']",
  'ImportExpression[source.value=/^(node:)?(crypto|perf_hooks|process|timers)/]',
].map((selector) => ({ selector, message }));

const withScheme = (name) => [name, `node:${name}`];

const paths = [
  ...['perf_hooks', 'timers', 'timers/promises'].flatMap(withScheme).map((name) => ({ name, message })),
  ...withScheme('process').map((name) => ({ name, importNames: ['default', 'hrtime', 'nextTick', 'uptime'], message })),
  ...withScheme('crypto').map((name) => ({
    name,
    importNames: [
      'default',
      'getRandomValues',
      'randomBytes',
      'randomFill',
      'randomFillSync',
      'randomInt',
      'randomUUID',
      'webcrypto',
    ],
    message,
  })),
  {
    name: 'rxjs',
    importNames: [
      'animationFrame',
      'animationFrames',
      'animationFrameScheduler',
      'asap',
      'asapScheduler',
      'async',
      'asyncScheduler',
      'queue',
      'queueScheduler',
    ],
    message,
  },
];

export const ambient = { globals, properties, syntax, paths };
