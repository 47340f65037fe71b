/** So long after a process last said that it lives, others take over what it had. */
export const LEASE_MS = 10_000;
/** How often it says so. */
export const RENEW_MS = 2_000;
/** Name of the lease of each decryptor that lives. */
export const DECRYPTOR = 'decryptor/';
