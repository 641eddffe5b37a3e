/* A sound card made of files: an ALSA external I/O plugin for tests and the demo. See fakecard.h. */
#include "fakecard.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In double, as 32-bit processors have no wider integers; exact to a thousandth of a frame for a month. */
static uint64_t frames_in(const struct card *card, uint64_t ns)
{
	return (double)ns * card->io.rate * (1000000 + card->ppm) / 1e15;
}

int is_playback(const struct card *card)
{
	return card->io.stream == SND_PCM_STREAM_PLAYBACK;
}

static snd_pcm_sframes_t xrun(struct card *card, const char *what)
{
	card->running = 0;
	note(card, "%s hw=%" PRIu64 " appl=%lu", what, card->hw, card->io.appl_ptr);
	return -EPIPE;
}

static snd_pcm_sframes_t play_until(struct card *card, uint64_t hw)
{
	int starved = hw > card->io.appl_ptr;
	if (starved)
		hw = card->io.appl_ptr;
	if (write_heard(card, hw) < 0)
		return -EIO;
	card->hw = hw;
	card->position->frames = card->started_frame + hw;
	if (starved && card->io.state != SND_PCM_STATE_DRAINING)
		return xrun(card, "UNDERRUN");
	return hw;
}

static snd_pcm_sframes_t capture_until(struct card *card, uint64_t hw)
{
	card->hw = hw;
	card->position->frames = card->started_frame + hw;
	if (hw > card->io.appl_ptr + card->io.buffer_size)
		return xrun(card, "OVERRUN");
	return hw;
}

/* Where the card says that it is: late by the jitter, but never back behind what it said before. It moves on in steps,
 * and to the end of each period, of which a tick tells.
 */
static uint64_t reported(const struct card *card)
{
	uint64_t ns = now_ns() - card->started_ns;
	uint64_t hw = frames_in(card, ns > card->late_ns ? ns - card->late_ns : 0);
	uint64_t stepped = hw - hw % card->step, period = hw - hw % card->io.period_size;
	hw = stepped > period ? stepped : period;
	return hw > card->hw ? hw : card->hw;
}

/* ALSA makes an xrun of an error here. A whole buffer to move makes it go on, and find that there is no such device. */
static snd_pcm_sframes_t pointer_of_gone(const struct card *card)
{
	if (card->gone != GONE_ENODEV)
		return -ENODEV;
	return card->io.appl_ptr + (is_playback(card) ? 0 : card->io.buffer_size);
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	if (is_gone(card))
		return pointer_of_gone(card);
	if (!card->running)
		return card->hw;
	uint64_t hw = reported(card);
	snd_pcm_sframes_t result = is_playback(card) ? play_until(card, hw) : capture_until(card, hw);
	if (result >= 0 && take_disturbance(card))
		return xrun(card, is_playback(card) ? "INJECTED UNDERRUN" : "INJECTED OVERRUN");
	return result;
}

static int card_start(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	if (is_gone(card))
		return -ENODEV;
	if (card->gone == GONE_HANG)
		return 0;
	card->started_ns = now_ns();
	if (!is_playback(card))
		card->started_frame = frames_in(card, card->started_ns - card->epoch_ns);
	card->position->start_ns = card->started_ns;
	card->running = 1;
	note_at(card, card->started_ns, "START frame=%" PRIu64, card->started_frame);
	return start_ticks(card, io->period_size * 1e15 / ((double)io->rate * (1000000 + card->ppm)));
}

static int card_stop(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	card->late_ns = 0;
	if (card->running)
		card_pointer(io); /* what was heard until this moment counts */
	card->running = 0;
	note(card, "STOP hw=%" PRIu64 " appl=%lu", card->hw, io->appl_ptr);
	return stop_ticks(card);
}

static int card_prepare(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	struct stat sound;
	if (is_gone(card))
		return -ENODEV;
	card->frame_bytes = io->channels * snd_pcm_format_physical_width(io->format) / 8;
	free(card->ring);
	card->ring = calloc(io->buffer_size, card->frame_bytes);
	if (!card->ring || fstat(card->sound, &sound) < 0)
		return -ENOMEM;
	card->running = 0;
	card->hw = card->written = 0;
	if (is_playback(card))
		card->started_frame = sound.st_size / card->frame_bytes;
	card->position->rate_hz = io->rate;
	note(card, "PREPARE rate=%u channels=%u period=%lu buffer=%lu", io->rate, io->channels, io->period_size,
	     io->buffer_size);
	return 0;
}

static void queue(struct card *card, const char *from, snd_pcm_uframes_t frames)
{
	snd_pcm_uframes_t offset = card->io.appl_ptr % card->io.buffer_size;
	snd_pcm_uframes_t first = card->io.buffer_size - offset;
	if (first > frames)
		first = frames;
	memcpy(card->ring + offset * card->frame_bytes, from, first * card->frame_bytes);
	memcpy(card->ring, from + first * card->frame_bytes, (frames - first) * card->frame_bytes);
}

/* ALSA asks again for frames that an mmap reader has not committed: the place is appl_ptr, never a count of calls. */
static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
				       snd_pcm_uframes_t offset, snd_pcm_uframes_t frames)
{
	struct card *card = io->private_data;
	char *data = (char *)areas[0].addr + (areas[0].first + areas[0].step * offset) / 8;
	if (is_gone(card))
		return -ENODEV;
	if (is_playback(card))
		queue(card, data, frames);
	else if (read_mic(card, data, frames) < 0)
		return -EIO;
	return frames;
}

static int card_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int count, unsigned short *revents)
{
	struct card *card = io->private_data;
	unsigned short ready = is_playback(card) ? POLLOUT : POLLIN;
	(void)fds, (void)count;
	int error = 0, was_tick = take_tick(card);
	if (was_tick < 0)
		return was_tick;
	*revents = 0;
	if (is_gone(card)) {
		*revents = card->gone == GONE_POLLERR ? POLLERR | POLLHUP | ready : ready;
		return 0;
	}
	if (card->gone == GONE_HANG)
		return 0;
	snd_pcm_sframes_t available = snd_pcm_avail_update(io->pcm);
	if (available < 0)
		*revents = POLLERR;
	else if ((snd_pcm_uframes_t)available >= io->period_size)
		*revents = ready;
	else if (was_tick)
		error = shift_ticks(card);
	return error;
}

static int card_close(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	note(card, "CLOSE");
	free_card(card);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = card_start,
	.stop = card_stop,
	.pointer = card_pointer,
	.prepare = card_prepare,
	.transfer = card_transfer,
	.poll_revents = card_poll_revents,
	.close = card_close,
};

static int set_limits(struct card *card)
{
	static const unsigned int accesses[] = {SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED};
	const unsigned int formats[] = {card->format};
	const unsigned int channels = is_playback(card) || !card->mic_channels ? card->channels : card->mic_channels;
	const struct {
		int what;
		unsigned int least, most;
	} ranges[] = {
		{SND_PCM_IOPLUG_HW_CHANNELS, channels, channels},
		{SND_PCM_IOPLUG_HW_RATE, card->rate ? card->rate : 8000, card->rate ? card->rate : 192000},
		{SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 18},
		{SND_PCM_IOPLUG_HW_BUFFER_BYTES, 256, 1 << 20},
		{SND_PCM_IOPLUG_HW_PERIODS, 2, 1024},
	};
	int error = snd_pcm_ioplug_set_param_list(&card->io, SND_PCM_IOPLUG_HW_ACCESS, 2, accesses);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_list(&card->io, SND_PCM_IOPLUG_HW_FORMAT, 1, formats);
	for (size_t i = 0; error >= 0 && i < sizeof ranges / sizeof *ranges; i++)
		error = snd_pcm_ioplug_set_param_minmax(&card->io, ranges[i].what, ranges[i].least, ranges[i].most);
	return error;
}

static int create_pcm(struct card *card, const char *name, snd_pcm_stream_t stream, int mode)
{
	card->io.version = SND_PCM_IOPLUG_VERSION;
	card->io.name = "fake sound card";
	/* BOUNDARY_WA: card_pointer counts frames of the run, so that a whole buffer is not mistaken for nothing. */
	card->io.flags = SND_PCM_IOPLUG_FLAG_MONOTONIC | SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
	card->io.callback = &callbacks;
	card->io.private_data = card;
	card->io.poll_fd = card->timer;
	card->io.poll_events = POLLIN;
	return snd_pcm_ioplug_create(&card->io, name, stream, mode);
}

SND_PCM_PLUGIN_DEFINE_FUNC(fakecard)
{
	struct card *card = calloc(1, sizeof *card);
	(void)root;
	if (!card)
		return -ENOMEM;
	card->io.stream = stream;
	card->name = is_playback(card) ? "speaker" : "mic";
	card->channels = 2;
	card->step = 48;
	card->format = SND_PCM_FORMAT_S16_LE;
	strcpy(card->directions, "both");
	card->timer = card->log = card->sound = card->position_file = -1;
	int error = read_fields(card, conf);
	card->random = 2 * card->seed + is_playback(card);
	if (error >= 0 && strcmp(card->directions, "both") && strcmp(card->directions, card->name))
		error = -ENOENT; /* as a real card that cannot do this */
	if (error >= 0)
		error = open_files(card, stream);
	if (error >= 0)
		error = create_pcm(card, name, stream, mode);
	if (error < 0) {
		free_card(card);
		return error;
	}
	if ((error = set_limits(card)) < 0) {
		snd_pcm_ioplug_delete(&card->io); /* calls card_close */
		return error;
	}
	note(card, "OPEN");
	*pcmp = card->io.pcm;
	return 0;
}
SND_PCM_PLUGIN_SYMBOL(fakecard);
