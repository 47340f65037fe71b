import type { Kind } from '../kind.ts';
import { LINK_KINDS } from './links.ts';
import { PROCESS_KINDS } from './processes.ts';

export const ALL_KINDS: readonly Kind[] = [...PROCESS_KINDS, ...LINK_KINDS];
