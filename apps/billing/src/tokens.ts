// Injection tokens of this app.
export const BILLING_WRITER = Symbol('billing.writer');
export const BILLING_READER = Symbol('billing.reader');
