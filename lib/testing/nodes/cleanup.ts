type Ending = (() => unknown) | Partial<Disposable & AsyncDisposable & { unsubscribe(): void }> | null | undefined;

/** Ends whatever stands for something that was begun: a function, a Subscription, what can be disposed of, or a list of them. */
export const end = async (begun: unknown): Promise<void> => {
  if (Array.isArray(begun)) {
    for (const one of begun) await end(one);
    return;
  }
  const ending = begun as Ending;
  if (typeof ending === 'function') await ending();
  else if (typeof ending !== 'object' || ending === null) return;
  else if (typeof ending[Symbol.asyncDispose] === 'function') await ending[Symbol.asyncDispose]?.();
  else if (typeof ending[Symbol.dispose] === 'function') ending[Symbol.dispose]?.();
  else ending.unsubscribe?.();
};
