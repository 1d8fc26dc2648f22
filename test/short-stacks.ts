// Vitest has errors keep a hundred frames, which takes its time where many are made.
Error.stackTraceLimit = 10;
