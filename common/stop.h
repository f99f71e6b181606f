/*
 * stop.h - being told to stop
 *
 * For processes that finish what is in hand: SIGTERM is blocked, and strikes
 * only where they wait (ppoll with the mask of before).
 */
#ifndef STOP_H
#define STOP_H

/* Not 0 once SIGTERM has come. */
extern int volatile stop_asked;

void stop_catch(void);

#endif
