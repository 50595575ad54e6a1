// Injection tokens of this app.
export const BILLING_WRITER = Symbol('billing.writer');
export const BILLING_READER = Symbol('billing.reader');
/** The payment service; undefined where none is configured. */
export const STRIPE = Symbol('billing.stripe');
