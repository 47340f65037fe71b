export { run, wait } from './tape';
