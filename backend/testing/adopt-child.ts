// Adopts a site, to be killed meanwhile, and if nobody did in time, by itself: node adopt-child.ts FROM PLACES MILLISECONDS
import { adoptSite } from '../installation/adopt-site.ts';

const [from, places, afterMs] = process.argv.slice(2);
const me = { uid: process.getuid!(), gid: process.getgid!() };
process.stdout.write('begins\n');
setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(afterMs)).unref();
await adoptSite({ from: from!, places: JSON.parse(places!), backend: me, broker: me, root: me });
