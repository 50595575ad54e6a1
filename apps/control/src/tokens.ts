// Injection tokens of this app.
export const CONTROL_WRITER = Symbol('control.writer');
export const CONTROL_READER = Symbol('control.reader');
export const CHANGES = Symbol('control.changes');
/** The operator's file as it was at boot. */
export const CONFIG_FILE = Symbol('control.config-file');
export const CATALOG_FILES = Symbol('waystation.catalog-files');
/** X25519 key that secrets are sealed to. */
export const WORKER_PUBLIC_KEY = Symbol('waystation.control.worker-public-key');
