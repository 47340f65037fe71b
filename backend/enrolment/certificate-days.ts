/** How long the certificate of a gateway is valid: a year. It is renewed by itself after two thirds. */
export const GATEWAY_CERTIFICATE_DAYS = 365;
