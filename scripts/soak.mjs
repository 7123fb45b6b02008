// `npm run soak -- [--minutes N] [arguments]`: the simulator on fresh seeds for so long, in parallel processes.

process.argv.splice(2, 0, '--soak');
await import('./simulate.mjs');
