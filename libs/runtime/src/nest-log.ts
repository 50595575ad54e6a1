// Nest's logger, bridged to ours: its tales of modules and routes are debug lines, its warnings and errors stay what they are.
import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/** Nest calls `level(message, ...more, context)`; an error may bring its stack in between. */
const fields = (more: readonly unknown[]): { context?: string; stack?: string } => {
  const texts = more.filter((each): each is string => typeof each === 'string');
  const context = texts.at(-1);
  const stack = texts.length > 1 ? texts[0] : undefined;
  return { ...(context === undefined ? {} : { context }), ...(stack === undefined ? {} : { stack }) };
};

const write = (
  log: Logger,
  level: 'debug' | 'warn' | 'error' | 'fatal',
  message: unknown,
  more: readonly unknown[],
): void => {
  if (message instanceof Error) log[level]({ ...fields(more), err: message }, message.message);
  else log[level](fields(more), typeof message === 'string' ? message : JSON.stringify(message));
};

export const nestLog = (log: Logger): LoggerService => ({
  log: (message, ...more) => write(log, 'debug', message, more),
  debug: (message, ...more) => write(log, 'debug', message, more),
  verbose: (message, ...more) => write(log, 'debug', message, more),
  warn: (message, ...more) => write(log, 'warn', message, more),
  error: (message, ...more) => write(log, 'error', message, more),
  fatal: (message, ...more) => write(log, 'fatal', message, more),
});
