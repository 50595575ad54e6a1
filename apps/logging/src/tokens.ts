// Injection tokens of this app.
export const LOGGING_WRITER = Symbol('logging.writer');
export const LOGGING_READER = Symbol('logging.reader');
