import type { Kind } from '../kind.ts';
import { CITY_KINDS } from './cities.ts';
import { CLOCK_KINDS } from './clocks.ts';
import { CONNECTION_KINDS } from './connections.ts';
import { DATABASE_KINDS } from './databases.ts';
import { DELIVERY_KINDS } from './deliveries.ts';
import { DISK_KINDS } from './disks.ts';
import { FILE_KINDS } from './files.ts';
import { LINK_KINDS } from './links.ts';
import { PROCESS_KINDS } from './processes.ts';

export const ALL_KINDS: readonly Kind[] = [
  ...PROCESS_KINDS,
  ...LINK_KINDS,
  ...DISK_KINDS,
  ...CLOCK_KINDS,
  ...DELIVERY_KINDS,
  ...FILE_KINDS,
  ...CONNECTION_KINDS,
  ...DATABASE_KINDS,
  ...CITY_KINDS,
];
