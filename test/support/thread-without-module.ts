// A thread whose module cannot be read, as where too many files are open.
throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
