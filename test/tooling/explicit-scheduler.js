import ts from 'typescript';

/**
 * A lint rule: what RxJS offers to wait or to read the time must be given its clock. Called without one, these functions take
 * the process's own timers, which no simulation can move. It asks the types, since a second number is not a scheduler.
 */
const timed = new Set([
  'auditTime',
  'bufferTime',
  'debounceTime',
  'delay',
  'interval',
  'sampleTime',
  'throttleTime',
  'timeInterval',
  'timeout',
  'timeoutWith',
  'timer',
  'timestamp',
  'windowTime',
]);
const windowed = new Set(['ReplaySubject', 'shareReplay']);
const repeating = new Set(['repeat', 'retry']);

const typesOf = (type) => (type.isUnion() ? type.types : [type]);

/** The name under which rxjs exports what the identifier stands for. */
const rxjsName = (scope, { name }) => {
  for (let at = scope; at; at = at.upper) {
    const definition = at.set.get(name)?.defs[0];
    if (!definition) continue;
    const { type, node, parent } = definition;
    return type === 'ImportBinding' && parent.source.value === 'rxjs' ? node.imported?.name : undefined;
  }
  return undefined;
};

export const explicitScheduler = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      clock: '{{name}} without a scheduler runs on the process’s own timers: pass it the Clock.',
      delay: '{{name}} with a number of ms as its delay runs on the process’s own timers: give it () => timer(ms, clock).',
    },
  },
  create: (context) => {
    const { sourceCode } = context;
    const { program, getTypeAtLocation } = sourceCode.parserServices;
    const checker = program.getTypeChecker();

    const member = (argument, name) =>
      typesOf(getTypeAtLocation(argument))
        .map((type) => checker.getPropertyOfType(type, name))
        .find((property) => property !== undefined);
    const has = (argument, ...names) => names.some((name) => member(argument, name));
    const hasClock = (args) => args.some((argument) => has(argument, 'now', 'scheduler', 'timestampProvider'));
    const waitsByNumber = (argument) => {
      const delay = member(argument, 'delay');
      return delay && typesOf(checker.getTypeOfSymbol(delay)).some(({ flags }) => flags & ts.TypeFlags.NumberLike);
    };

    const check = (node) => {
      const { callee, arguments: args } = node;
      if (callee.type !== 'Identifier') return;
      const name = rxjsName(sourceCode.getScope(node), callee);
      const hasWindow = windowed.has(name) && (args.length > 1 || args.some((argument) => has(argument, 'windowTime')));
      if ((timed.has(name) || hasWindow) && !hasClock(args)) context.report({ node, messageId: 'clock', data: { name } });
      if (repeating.has(name) && args.some(waitsByNumber)) context.report({ node, messageId: 'delay', data: { name } });
    };
    return { CallExpression: check, NewExpression: check };
  },
};
