/** Whether users' own code has called the function: not Skein's, nor RxJS', which subscribes for its operators. */
export const isCalledByUsers = (called: (...given: never[]) => unknown): boolean => {
  const caller = callerOf(called);
  return !caller.startsWith(own) && !caller.includes('/node_modules/rxjs/');
};

/** The file that the call stands in, without any text of the stack being made: that would take a hundred times as long. */
const callerOf = (called: (...given: never[]) => unknown): string => {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is put back as it was
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  Error.prepareStackTrace = (_error, [site]) => site?.getFileName() ?? '';
  const trace: { readonly stack?: string } = {};
  Error.captureStackTrace(trace, called);
  const { stack = '' } = trace;
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return stack;
};

/** Where Skein's files are, as stacks name them. */
const own = (() => {
  const called = (): string => callerOf(called);
  return called().replace(/testing\/leaks\/caller\.[jt]s$/, '');
})();
