import { SingleBar } from 'cli-progress';

/** Says on stderr how far it is. */
export interface Progress extends Disposable {
  add(bytes: number): void;
}

/** As a bar on a terminal, else as a line at first and every two seconds. */
export const showProgress = (total: number): Progress => (process.stderr.isTTY ? showBar(total) : printLines(total));

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

const showBar = (total: number): Progress => {
  const bar = new SingleBar({
    format: '{bar} {value}/{total} files, {mebibytes} MiB, {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    // How it ends, by a signal too, is the main program's affair.
    gracefulExit: false,
  });
  let bytes = 0;
  bar.start(total, 0, { mebibytes: mebibytes(0) });
  return {
    add: (more) => {
      bytes += more;
      bar.increment({ mebibytes: mebibytes(bytes) });
    },
    [Symbol.dispose]: () => {
      bar.stop();
    },
  };
};

const printLines = (total: number): Progress => {
  let [files, bytes] = [0, 0];
  const print = (): void => {
    console.error(`${String(files)} of ${String(total)} files, ${mebibytes(bytes)} MiB`);
  };
  print();
  const timer = setInterval(print, 2_000);
  return {
    add: (more) => {
      files += 1;
      bytes += more;
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
};
