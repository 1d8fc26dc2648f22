/** What a system call that failed says, without its name and the path, which stand at the end. */
export const whatWentWrong = (error: unknown): string =>
  error instanceof Error ? error.message.replace(/, \w+( '.*)?$/s, '') : String(error);
