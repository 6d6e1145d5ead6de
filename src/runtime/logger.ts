import pino from 'pino';

/** Structured lines on standard error: standard output belongs to a command's result. */
export type Logger = Readonly<{
  debug: LogLine;
  info: LogLine;
  warn: LogLine;
  error: LogLine;
}>;
type LogLine = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** A logger; `name` says which validator speaks. */
export function createLogger(level: string, name: string): Logger {
  const logger = pino(
    {
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  const line =
    (method: 'debug' | 'info' | 'warn' | 'error'): LogLine =>
    (fields, message) =>
      logger[method](fields, message);
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
