PRAGMA journal_mode = WAL;
BEGIN TRANSACTION;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, attempt INTEGER NOT NULL, body TEXT NOT NULL);
INSERT INTO "events" VALUES(1,1750000000.0,'known','',0,'{"sweep":"earlier","number":0,"config":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.001,"pixels":16},"state":"stopped","reports":[[1,0.3547,0.5,0.3547],[2,0.473,1.0,0.473],[3,0.5321,1.5,0.5321]]}');
INSERT INTO "events" VALUES(2,1750000000.0,'known','',0,'{"sweep":"earlier","number":1,"config":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"state":"completed","reports":[[1,0.3872,0.5,0.3872],[2,0.5163,1.0,0.5163],[3,0.5808,1.5,0.5808],[4,0.6195,2.0,0.6195]]}');
INSERT INTO "events" VALUES(3,1750000000.0,'known','',0,'{"sweep":"earlier","number":2,"config":{"architecture":"cnn","layers":3,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"state":"completed","reports":[[1,0.4337,1.5,0.4337],[2,0.5783,3.0,0.5783],[3,0.6506,4.5,0.6506],[4,0.6939,6.0,0.6939]]}');
INSERT INTO "events" VALUES(4,1750000000.0,'known','',0,'{"sweep":"earlier","number":3,"config":{"architecture":"cnn","layers":3,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"state":"completed","reports":[[1,0.3894,1.5,0.3894],[2,0.5192,3.0,0.5192],[3,0.5841,4.5,0.5841],[4,0.6231,6.0,0.6231]]}');
INSERT INTO "events" VALUES(5,1750000600.0,'launched','',0,'{}');
INSERT INTO "events" VALUES(6,1750000600.0,'booked','',0,'{"what":"image stores and statistics","device_seconds":3.6}');
INSERT INTO "events" VALUES(7,1750000600.0,'asked','d0e4783bc9684459',0,'{"number":0,"seed":5795926214609275135,"config":{"architecture":"cnn","layers":3,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"repeat":0,"point":"as published","is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(8,1750000600.5,'granted','d0e4783bc9684459',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":0.5,"waited":0.5}');
INSERT INTO "events" VALUES(9,1750000600.5,'asked','e4bec0aac1587428',0,'{"number":1,"seed":4417842579061360603,"config":{"architecture":"cnn","layers":3,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"repeat":1,"point":"as published","is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(10,1750000601.0,'granted','e4bec0aac1587428',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":1.0,"waited":0.5}');
INSERT INTO "events" VALUES(11,1750000601.0,'asked','7f0fb92330c194df',0,'{"number":2,"seed":3237309819236789734,"config":{"architecture":"cnn","layers":1,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"repeat":0,"point":null,"is_final_run":false,"redrawn":[{"config":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"state":"completed","value":0.6195,"cost":2.0},{"config":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.001,"pixels":16},"state":"stopped","value":0.5321,"cost":1.5},{"config":{"architecture":"cnn","layers":3,"optimizer":"sgd","learning_rate":0.01,"pixels":16},"state":"infeasible","value":null,"cost":0.0},{"config":{"architecture":"cnn","layers":3,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"state":"cancelled","value":null,"cost":0.0}]}');
INSERT INTO "events" VALUES(12,1750000601.5,'granted','7f0fb92330c194df',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":1.5,"waited":0.5}');
INSERT INTO "events" VALUES(13,1750000603.25,'reported','d0e4783bc9684459',1,'{"epoch":1,"score":0.4369,"device_seconds":1.5,"metrics":{"valid/top1":0.4369},"checkpoint":"/home/ada/runs/budget/checkpoints/d0e4783bc9684459/epoch-0001.1"}');
INSERT INTO "events" VALUES(14,1750000603.25,'decided','d0e4783bc9684459',1,'{"epoch":1,"decision":"continue","reason":"1 of the 2 results that rung 1 needs to decide","rung":1.0,"rank":1,"of":1,"billed":2.75,"productive":1.5,"joules":null}');
INSERT INTO "events" VALUES(15,1750000605.0,'reported','e4bec0aac1587428',1,'{"epoch":1,"score":0.4363,"device_seconds":1.5,"metrics":{"valid/top1":0.4363},"checkpoint":"/home/ada/runs/budget/checkpoints/e4bec0aac1587428/epoch-0001.1"}');
INSERT INTO "events" VALUES(16,1750000605.0,'decided','e4bec0aac1587428',1,'{"epoch":1,"decision":"continue","reason":"1 of the 2 results that rung 1 needs to decide","rung":1.0,"rank":1,"of":1,"billed":4.0,"productive":1.5,"joules":null}');
INSERT INTO "events" VALUES(17,1750000605.75,'reported','7f0fb92330c194df',1,'{"epoch":1,"score":0.3383,"device_seconds":0.5,"metrics":{"valid/top1":0.3383},"checkpoint":"/home/ada/runs/budget/checkpoints/7f0fb92330c194df/epoch-0001.1"}');
INSERT INTO "events" VALUES(18,1750000605.75,'decided','7f0fb92330c194df',1,'{"epoch":1,"decision":"stop","reason":"not among the best 1 of 2 at rung 0.5 device_seconds","rung":0.5,"rank":2,"of":2,"threshold":0.4369,"billed":4.25,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(19,1750000606.0,'ended','7f0fb92330c194df',1,'{"state":"stopped","kind":"","message":"","fingerprint":"","billed":4.5,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(20,1750000606.0,'asked','135dfcb2dbc61c1c',0,'{"number":3,"seed":4125278495522115717,"config":{"architecture":"cnn","layers":1,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"repeat":1,"point":null,"is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(21,1750000606.5,'granted','135dfcb2dbc61c1c',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":6.5,"waited":0.5}');
INSERT INTO "events" VALUES(22,1750000608.25,'reported','d0e4783bc9684459',1,'{"epoch":2,"score":0.5825,"device_seconds":3.0,"metrics":{"valid/top1":0.5825},"checkpoint":"/home/ada/runs/budget/checkpoints/d0e4783bc9684459/epoch-0002.1"}');
INSERT INTO "events" VALUES(23,1750000608.25,'decided','d0e4783bc9684459',1,'{"epoch":2,"decision":"continue","reason":"1 of the 2 results that rung 2 needs to decide","rung":2.0,"rank":1,"of":1,"billed":7.75,"productive":3.0,"joules":null}');
INSERT INTO "events" VALUES(24,1750000610.0,'reported','e4bec0aac1587428',1,'{"epoch":2,"score":0.5817,"device_seconds":3.0,"metrics":{"valid/top1":0.5817},"checkpoint":"/home/ada/runs/budget/checkpoints/e4bec0aac1587428/epoch-0002.1"}');
INSERT INTO "events" VALUES(25,1750000610.0,'decided','e4bec0aac1587428',1,'{"epoch":2,"decision":"continue","reason":"1 of the 2 results that rung 2 needs to decide","rung":2.0,"rank":1,"of":1,"billed":9.0,"productive":3.0,"joules":null}');
INSERT INTO "events" VALUES(26,1750000610.75,'reported','135dfcb2dbc61c1c',1,'{"epoch":1,"score":0.3422,"device_seconds":0.5,"metrics":{"valid/top1":0.3422},"checkpoint":"/home/ada/runs/budget/checkpoints/135dfcb2dbc61c1c/epoch-0001.1"}');
INSERT INTO "events" VALUES(27,1750000610.75,'decided','135dfcb2dbc61c1c',1,'{"epoch":1,"decision":"continue","reason":"below the first rung at 1 device_seconds","billed":4.25,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(28,1750000612.5,'reported','d0e4783bc9684459',1,'{"epoch":3,"score":0.6554,"device_seconds":4.5,"metrics":{"valid/top1":0.6554},"checkpoint":"/home/ada/runs/budget/checkpoints/d0e4783bc9684459/epoch-0003.1"}');
INSERT INTO "events" VALUES(29,1750000612.5,'decided','d0e4783bc9684459',1,'{"epoch":3,"decision":"continue","reason":"1 of the 2 results that rung 4 needs to decide","rung":4.0,"rank":1,"of":1,"billed":12.0,"productive":4.5,"joules":null}');
INSERT INTO "events" VALUES(30,1750000614.25,'reported','e4bec0aac1587428',1,'{"epoch":3,"score":0.6544,"device_seconds":4.5,"metrics":{"valid/top1":0.6544},"checkpoint":"/home/ada/runs/budget/checkpoints/e4bec0aac1587428/epoch-0003.1"}');
INSERT INTO "events" VALUES(31,1750000614.25,'decided','e4bec0aac1587428',1,'{"epoch":3,"decision":"continue","reason":"1 of the 2 results that rung 4 needs to decide","rung":4.0,"rank":1,"of":1,"billed":13.25,"productive":4.5,"joules":null}');
INSERT INTO "events" VALUES(32,1750000615.0,'reported','135dfcb2dbc61c1c',1,'{"epoch":2,"score":0.4563,"device_seconds":1.0,"metrics":{"valid/top1":0.4563},"checkpoint":"/home/ada/runs/budget/checkpoints/135dfcb2dbc61c1c/epoch-0002.1"}');
INSERT INTO "events" VALUES(33,1750000615.0,'decided','135dfcb2dbc61c1c',1,'{"epoch":2,"decision":"continue","reason":"among the best 1 of 2 at rung 1 device_seconds","rung":1.0,"rank":1,"of":2,"threshold":0.4563,"billed":8.5,"productive":1.0,"joules":null}');
INSERT INTO "events" VALUES(34,1750000616.75,'reported','d0e4783bc9684459',1,'{"epoch":4,"score":0.6991,"device_seconds":6.0,"metrics":{"valid/top1":0.6991},"checkpoint":"/home/ada/runs/budget/checkpoints/d0e4783bc9684459/epoch-0004.1"}');
INSERT INTO "events" VALUES(35,1750000616.75,'decided','d0e4783bc9684459',1,'{"epoch":4,"decision":"continue","reason":"1 of the 2 results that rung 4 needs to decide","rung":4.0,"rank":1,"of":1,"billed":16.25,"productive":6.0,"joules":null}');
INSERT INTO "events" VALUES(36,1750000617.0,'ended','d0e4783bc9684459',1,'{"state":"completed","kind":"","message":"","fingerprint":"","billed":16.5,"productive":6.0,"joules":null}');
INSERT INTO "events" VALUES(37,1750000618.75,'reported','e4bec0aac1587428',1,'{"epoch":4,"score":0.6981,"device_seconds":6.0,"metrics":{"valid/top1":0.6981},"checkpoint":"/home/ada/runs/budget/checkpoints/e4bec0aac1587428/epoch-0004.1"}');
INSERT INTO "events" VALUES(38,1750000618.75,'decided','e4bec0aac1587428',1,'{"epoch":4,"decision":"continue","reason":"1 of the 2 results that rung 4 needs to decide","rung":4.0,"rank":1,"of":1,"billed":17.75,"productive":6.0,"joules":null}');
INSERT INTO "events" VALUES(39,1750000619.0,'ended','e4bec0aac1587428',1,'{"state":"completed","kind":"","message":"","fingerprint":"","billed":18.0,"productive":6.0,"joules":null}');
INSERT INTO "events" VALUES(40,1750000619.75,'reported','135dfcb2dbc61c1c',1,'{"epoch":3,"score":0.5133,"device_seconds":1.5,"metrics":{"valid/top1":0.5133},"checkpoint":"/home/ada/runs/budget/checkpoints/135dfcb2dbc61c1c/epoch-0003.1"}');
INSERT INTO "events" VALUES(41,1750000619.75,'decided','135dfcb2dbc61c1c',1,'{"epoch":3,"decision":"pause","reason":"budget: 0.0155 of 0.015 device-hours are spent","billed":13.25,"productive":1.5,"joules":null}');
INSERT INTO "events" VALUES(42,1750000620.0,'ended','135dfcb2dbc61c1c',1,'{"state":"waiting","kind":"budget","message":"budget: 0.0155 of 0.015 device-hours are spent","fingerprint":"","billed":13.5,"productive":1.5,"joules":null}');
INSERT INTO "events" VALUES(43,1750000620.0,'closed','',0,'{"wall":20.0,"capacity":60.0,"nodes":{"node-c":60.0},"why":"budget"}');
INSERT INTO "events" VALUES(44,1750000680.0,'extended','',0,'{"changes":["budget.gpu_hours: 0.015 -> 0.020999999999999998"]}');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('channels','1');
INSERT INTO "meta" VALUES('classes','["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]');
INSERT INTO "meta" VALUES('created','2025-06-15T15:06:40+0000');
INSERT INTO "meta" VALUES('data_digest','3f4cb57abb6b51a43f4cb57abb6b51a43f4cb57abb6b51a43f4cb57abb6b51a4');
INSERT INTO "meta" VALUES('driver','0123456789abcdef');
INSERT INTO "meta" VALUES('git_revision','a5331308e3a4effd5e5bc74c564e56328b18ba28');
INSERT INTO "meta" VALUES('images','{"0": 178, "1": 182, "2": 177, "3": 183, "4": 181, "5": 182, "6": 181, "7": 179, "8": 174, "9": 180}');
INSERT INTO "meta" VALUES('name','budget');
INSERT INTO "meta" VALUES('overrides','[]');
INSERT INTO "meta" VALUES('quote','{"source": "probe", "timings": 6, "device": "cpu", "is_gpu": false, "slots": 2, "share": 1.0, "device_hours": {"p10": 0.01, "p50": 0.012, "p90": 0.02}, "wall_hours": {"p10": 0.01, "p50": 0.012, "p90": 0.02}, "trials": {"p10": 6, "p50": 8, "p90": 9}, "completed": {"p10": 1, "p50": 2, "p90": 3}, "full_trial": {"p10": 0.01, "p50": 0.012, "p90": 0.02}, "usd_per_hour": null, "rungs": {"1": 8.0, "2": 4.0}, "resource": "device_seconds", "dearest": {"config": {"layers": 3, "optimizer": "adamw", "learning_rate": 0.001}, "seconds_per_epoch": 1.5, "device_hours": 0.0025}, "simulations": 20, "wanted_trials": 24, "cut_by": "gpu_hours", "changes": ["budget.gpu_hours: 0.03"], "refusal": "", "notes": ["what search.from answers at no cost is not deducted"], "samples": [[{"layers": 3, "optimizer": "adamw", "learning_rate": 0.001}, 1.5]], "version": 1, "usd": null}');
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('spec','{"schema_version": 1, "name": "budget", "description": "An old sweep: budget", "dataset": {"source": "digits", "root": null, "split": {"train": 0.7, "valid": 0.2, "test": 0.1, "seed": 42, "group_by": null, "folds": null, "fold": 0}}, "parameters": {"architecture": {"value": "cnn"}, "layers": {"min": 1, "max": 3, "distribution": "int_uniform"}, "optimizer": {"values": ["adamw", "sgd"]}, "learning_rate": {"values": [0.001, 0.01]}, "pixels": {"value": 16}}, "train": {"epochs": 4, "batch_size": 128, "precision": "auto", "optimizer": "adamw", "learning_rate": 0.001, "schedule": "one_cycle", "momentum": 0.9, "weight_decay": 0.0001, "label_smoothing": 0.0, "clip_norm": null, "patience": null, "class_weights": "none", "compile": false}, "objective": {"metric": "valid/top1", "goal": "maximize", "cost": "gpu_hours", "mode": "budget", "min_top5": null, "target": null, "test": "winner"}, "search": {"algorithm": "tpe", "seed": 4, "repeats": 2, "from": ["earlier"], "reuse": true, "startup": 9}, "scheduler": {"type": "asha", "resource": "device_seconds", "grace": 0.5, "max": 5, "reduction_factor": 2, "brackets": 2}, "budget": {"trials": 20, "gpu_hours": 0.020999999999999998, "usd": null, "wall_hours": null, "max_failed": 5}, "final": null, "stop_when": null, "resources": {"gpu": 1.0, "cpu": 1.0, "memory_gb": null, "custom": {}, "concurrency": null, "rules": []}, "tracking": {"uri": "auto", "experiment": null}, "points": [{"name": "as published", "layers": 3, "optimizer": "adamw", "learning_rate": 0.01, "published": {"valid": {"top1": 0.7}}}]}');
INSERT INTO "meta" VALUES('spec_digest','3fd9ba1d5859e15596c0d7c4b1e593cf8c770383f07404239a17e12743bee0ef');
INSERT INTO "meta" VALUES('sweep_id','218c84d4fe83');
INSERT INTO "meta" VALUES('versions','{"sweeper": "0.1.0", "torch": "2.9.0", "optuna": "5.0.0", "mlflow": "3.5.0"}');
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, payload TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0);
INSERT INTO "outbox" VALUES(1,1750000000000,'run','','{"trial_key":"218c84d4fe83","name":"budget","params":{"dataset":"digits","epochs":4,"batch_size":128,"precision":"auto","optimizer":"adamw","learning_rate":0.001,"schedule":"one_cycle","momentum":0.9,"weight_decay":0.0001,"label_smoothing":0.0,"clip_norm":null,"patience":null,"class_weights":"none","compile":false},"tags":{"sweeper.sweep_id":"218c84d4fe83","sweeper.version":"0.1.0","sweeper.spec":"0b61a3c3f6502674b8314f0865b3609b0f3968b85e091a1ce4d61f68f490045e","mlflow.source.git.commit":"a5331308e3a4effd5e5bc74c564e56328b18ba28"}}',1);
INSERT INTO "outbox" VALUES(2,1750000600000,'run','d0e4783bc9684459','{"trial_key":"d0e4783bc9684459","name":"as published","params":{"architecture":"cnn","layers":3,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"tags":{"sweeper.trial_number":"0","sweeper.point":"as published"}}',1);
INSERT INTO "outbox" VALUES(3,1750000600500,'run','e4bec0aac1587428','{"trial_key":"e4bec0aac1587428","name":"as published","params":{"architecture":"cnn","layers":3,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"tags":{"sweeper.trial_number":"1","sweeper.point":"as published"}}',1);
INSERT INTO "outbox" VALUES(4,1750000601000,'run','7f0fb92330c194df','{"trial_key":"7f0fb92330c194df","name":"budget-0002","params":{"architecture":"cnn","layers":1,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"tags":{"sweeper.trial_number":"2","sweeper.point":""}}',1);
INSERT INTO "outbox" VALUES(5,1750000603250,'metrics','d0e4783bc9684459','{"step":1,"metrics":{"valid/top1":0.4369}}',1);
INSERT INTO "outbox" VALUES(6,1750000605000,'metrics','e4bec0aac1587428','{"step":1,"metrics":{"valid/top1":0.4363}}',1);
INSERT INTO "outbox" VALUES(7,1750000605750,'metrics','7f0fb92330c194df','{"step":1,"metrics":{"valid/top1":0.3383}}',1);
INSERT INTO "outbox" VALUES(8,1750000606000,'end','7f0fb92330c194df','{"status":"FINISHED","step":1,"metrics":{"best/score":0.3383,"best/epoch":1.0},"tags":{"sweeper.state":"stopped","sweeper.why":""}}',1);
INSERT INTO "outbox" VALUES(9,1750000606000,'run','135dfcb2dbc61c1c','{"trial_key":"135dfcb2dbc61c1c","name":"budget-0003","params":{"architecture":"cnn","layers":1,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"tags":{"sweeper.trial_number":"3","sweeper.point":""}}',1);
INSERT INTO "outbox" VALUES(10,1750000608250,'metrics','d0e4783bc9684459','{"step":2,"metrics":{"valid/top1":0.5825}}',1);
INSERT INTO "outbox" VALUES(11,1750000610000,'metrics','e4bec0aac1587428','{"step":2,"metrics":{"valid/top1":0.5817}}',1);
INSERT INTO "outbox" VALUES(12,1750000610750,'metrics','135dfcb2dbc61c1c','{"step":1,"metrics":{"valid/top1":0.3422}}',1);
INSERT INTO "outbox" VALUES(13,1750000612500,'metrics','d0e4783bc9684459','{"step":3,"metrics":{"valid/top1":0.6554}}',1);
INSERT INTO "outbox" VALUES(14,1750000614250,'metrics','e4bec0aac1587428','{"step":3,"metrics":{"valid/top1":0.6544}}',1);
INSERT INTO "outbox" VALUES(15,1750000615000,'metrics','135dfcb2dbc61c1c','{"step":2,"metrics":{"valid/top1":0.4563}}',1);
INSERT INTO "outbox" VALUES(16,1750000616750,'metrics','d0e4783bc9684459','{"step":4,"metrics":{"valid/top1":0.6991}}',0);
INSERT INTO "outbox" VALUES(17,1750000617000,'end','d0e4783bc9684459','{"status":"FINISHED","step":4,"metrics":{"best/score":0.6991,"best/epoch":4.0},"tags":{"sweeper.state":"completed","sweeper.why":""}}',0);
INSERT INTO "outbox" VALUES(18,1750000618750,'metrics','e4bec0aac1587428','{"step":4,"metrics":{"valid/top1":0.6981}}',0);
INSERT INTO "outbox" VALUES(19,1750000619000,'end','e4bec0aac1587428','{"status":"FINISHED","step":4,"metrics":{"best/score":0.6981,"best/epoch":4.0},"tags":{"sweeper.state":"completed","sweeper.why":""}}',0);
INSERT INTO "outbox" VALUES(20,1750000619750,'metrics','135dfcb2dbc61c1c','{"step":3,"metrics":{"valid/top1":0.5133}}',0);
INSERT INTO "outbox" VALUES(21,1750000620000,'end','135dfcb2dbc61c1c','{"status":"KILLED","metrics":{},"tags":{"sweeper.state":"waiting","sweeper.why":"goes on when the sweep is resumed"}}',0);
INSERT INTO "outbox" VALUES(22,1750000620000,'end','','{"status":"FINISHED","metrics":{"gpu_hours":0.014583333333333334,"device_seconds":52.5,"trials":4},"tags":{"sweeper.state":"budget"}}',0);
CREATE INDEX outbox_pending ON outbox (id) WHERE delivered = 0;
CREATE VIEW reports AS
    SELECT trial, attempt, body->>'epoch' AS epoch, body->>'score' AS score,
           body->>'device_seconds' AS device_seconds, body->'metrics' AS metrics
    FROM events WHERE kind = 'reported';
CREATE VIEW decisions AS
    SELECT trial, body->>'epoch' AS epoch, body->>'decision' AS decision, body->>'rung' AS rung,
           body->>'rank' AS rank, body->>'of' AS of, body->>'threshold' AS threshold,
           body->>'reason' AS reason
    FROM events WHERE kind = 'decided';
COMMIT;
