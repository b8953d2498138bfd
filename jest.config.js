// Started as: tsc && node --enable-source-maps --experimental-vm-modules node_modules/jest/bin/jest.js
// Tests run the compiled code, so that worker threads and child processes load the files that ship.
export default {
  roots: ['<rootDir>/build/test'],
  testMatch: ['**/*.test.js'],
  transform: {},
  testEnvironment: '<rootDir>/build/test/support/environment.js',
  coverageProvider: 'v8',
  collectCoverageFrom: ['<rootDir>/build/src/**/*.js'],
  // Ends what hangs: four times what the longest takes on a machine that does nothing else.
  testTimeout: 240_000,
  maxWorkers: 2,
};
